# Building our own programs.

PROGRAMS=(maxwell maxwelld maxwell-host maxwell-relay maxwell-web maxwell-bench maxwell-admin maxwell-stress)

# Swift in PATH, or where its toolchain is unpacked by custom.
swift_ensure() {
    command -v swift >/dev/null && return
    [[ -x /opt/swift/usr/bin/swift ]] && PATH=/opt/swift/usr/bin:$PATH && return
    fail "There is no Swift toolchain: install Swift 6.2 or later (https://swift.org/install) into PATH or /opt/swift."
}

# Builds in release mode and brings the programs where the service users can reach them.
build_ensure() {
    swift_ensure
    tell "Building (release; the first time takes some minutes)"
    (cd -- "$CHECKOUT" && exec swift build -c release --static-swift-stdlib) >"$LOG/build.log" 2>&1 </dev/null ||
        fail "The build failed." "$LOG/build.log"
    local program built
    built=$(cd -- "$CHECKOUT" && swift build -c release --static-swift-stdlib --show-bin-path 2>/dev/null)
    install -d -m 0755 "$DATA/bin"
    for program in "${PROGRAMS[@]}"; do
        # By rename: a program that runs is not written over.
        install -m 0755 -- "$built/$program" "$DATA/bin/.$program.new"
        mv -- "$DATA/bin/.$program.new" "$DATA/bin/$program"
    done
    local bundle
    for bundle in "$built"/*.resources; do
        if [[ -d $bundle ]]; then cp -r --no-preserve=mode,ownership -- "$bundle" "$DATA/bin/"; fi
    done
}
