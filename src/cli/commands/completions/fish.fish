# Completion of skyteam for fish: asks skyteam itself, so that it fits every version.
# skyteam completions fish | source

function __skyteam_complete
    # The word under the cursor without its quotes, the last of which may still be missing; fish quotes what is chosen.
    set -l word (commandline --current-token --cut-at-cursor)
    set -l plain (string unescape -- $word; or string unescape -- "$word'"; or string unescape -- "$word\""; or echo -- $word)
    SKYTEAM_COMPLETE=fish skyteam -- (commandline --current-process --tokenize --cut-at-cursor) "$plain" 2>/dev/null
end

complete --keep-order --no-files --command skyteam --arguments '(__skyteam_complete)'
