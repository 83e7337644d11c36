set edit:completion:arg-completer[skyteam] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) SKYTEAM_COMPLETE="elvish" skyteam -- $@words) | to-lines
}
