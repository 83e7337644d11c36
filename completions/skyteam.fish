complete --keep-order --exclusive --command skyteam --arguments "(SKYTEAM_COMPLETE=fish skyteam -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
