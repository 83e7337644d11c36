# Completion of skyteam for bash: asks skyteam itself, so that it fits every version.
# source <(skyteam completions bash)

_skyteam() {
    # The words up to the cursor as the shell sees them: readline cuts them further, at = : and @.
    local rest=${COMP_LINE:0:COMP_POINT} words=() i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if [[ i -eq 0 || $rest == [[:space:]]* ]]; then
            rest=${rest#"${rest%%[![:space:]]*}"}
            words+=("")
        fi
        if ((i < COMP_CWORD)); then
            words[${#words[@]} - 1]+=${COMP_WORDS[i]}
            rest=${rest#"${COMP_WORDS[i]}"}
        fi
    done
    local word=${words[${#words[@]} - 1]}$rest
    # What stands in the word before the part that readline will replace.
    local before=${word%"$2"}
    before=${before#[\"\']}
    words[${#words[@]} - 1]=${word#[\"\']}

    local IFS=$'\n' reply quoted
    COMPREPLY=()
    for reply in $(SKYTEAM_COMPLETE=bash _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((${#words[@]} - 1)) \
        skyteam -- "${words[@]}" 2>/dev/null); do
        reply=${reply#"$before"}
        if [[ $word != [\"\']* && $reply == *[[:space:]\"\'\\\&\;\|\<\>\(\)\$\`*?]* ]]; then
            printf -v quoted %q "$reply"
            reply=$quoted
        fi
        COMPREPLY+=("$reply")
    done
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

if ((BASH_VERSINFO[0] > 4 || BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4)); then
    complete -o nosort -F _skyteam skyteam
else
    complete -F _skyteam skyteam
fi
