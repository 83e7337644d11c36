#compdef skyteam
# Completion of skyteam for zsh: asks skyteam itself, so that it fits every version.
# source <(skyteam completions zsh)

_skyteam() {
    # The words without their quotes; zsh quotes what is chosen.
    local -a asked answers directories others
    local answer
    asked=("${(@Q)words}")
    # Quotes that are still open are not part of it.
    asked[CURRENT]=${(Q)PREFIX}
    answers=("${(@f)$(SKYTEAM_COMPLETE=zsh _CLAP_COMPLETE_INDEX=$((CURRENT - 1)) \
        skyteam -- "${(@)asked}" 2>/dev/null)}")
    for answer in $answers; do
        # After a table or a folder comes more of the same word.
        case ${answer%%:*} in
        */ | *. | *=) directories+=("$answer") ;;
        *) others+=("$answer") ;;
        esac
    done
    (($#directories)) && _describe -V 'values' directories -S ''
    (($#others)) && _describe -V 'values' others
}

# Loaded from fpath, this file is itself the body of the function that is being asked.
if [[ ${funcstack[1]} == _skyteam ]]; then
    _skyteam "$@"
else
    compdef _skyteam skyteam
fi
