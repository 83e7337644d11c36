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
    # What the word has before the part that readline will replace.
    local before=${word%"$2"}
    before=${before#[\"\']}
    # Without its quotes, as skyteam will be given it.
    local plain=${word#[\"\']}
    [[ $word == [\"\']* ]] || plain=${plain//\\/}
    words[${#words[@]} - 1]=$plain

    local reply quoted
    COMPREPLY=()
    while IFS= read -r reply; do
        reply=${reply#"$before"}
        case $word in
        # Within quotes: what would end them is left out.
        \"*) [[ $reply == *[\"\\\$\`!]* ]] && continue ;;
        \'*) [[ $reply == *\'* ]] && continue ;;
        *)
            if [[ $reply == *[^[:alnum:]_@%+=:,./-]* ]]; then
                printf -v quoted %q "$reply"
                reply=$quoted
            fi
            ;;
        esac
        COMPREPLY+=("$reply")
    done < <(SKYTEAM_COMPLETE=bash _CLAP_COMPLETE_INDEX=$((${#words[@]} - 1)) skyteam -- "${words[@]}" 2>/dev/null && echo)
    # Of an answer without a line, read makes an empty one.
    ((${#COMPREPLY[@]} == 1)) && [[ -z ${COMPREPLY[0]} ]] && COMPREPLY=()
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=/.] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

if ((BASH_VERSINFO[0] > 4 || BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4)); then
    complete -o nosort -F _skyteam skyteam
else
    complete -F _skyteam skyteam
fi
