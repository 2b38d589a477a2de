# shellcheck shell=bash disable=SC2034,SC2154 # sourced by run.sh
# What is asked of a running dngate, be it in a container or in a chroot. Sourced by run.sh and chroot.sh.
#
#   check NAME COMMAND...    one case: COMMAND's exit status decides, its output is shown when it fails

passed=0 failed=0
check() {
    local name=$1 out start=$SECONDS
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok   $name ($((SECONDS - start)) s)"
    else
        failed=$((failed + 1))
        echo "FAIL $name ($((SECONDS - start)) s)"
        printf '%s\n' "$out" | tail -30 | sed 's/^/    /'
        return 1
    fi
}

# until_true SECONDS COMMAND...
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "still not after waiting: $*"; "$@"; return 1; }
        sleep 0.2
    done
}

status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }

# As uid 10001, never root, with at most CAP_NET_BIND_SERVICE (bit 10); the root file system is read-only.
confined() { # PID CAPABILITIES
    local eff
    [ "$(status_of "$1" Uid)" = "$(printf '10001\t10001\t10001\t10001')" ] || { echo "Uid: $(status_of "$1" Uid)"; return 1; }
    eff=$(status_of "$1" CapEff)
    [ $((0x$eff)) -eq $(($2)) ] || { echo "CapEff: $eff"; return 1; }
    [ $((0x$(status_of "$1" CapBnd) & ~0x400)) -eq 0 ] || { echo "CapBnd: $(status_of "$1" CapBnd)"; return 1; }
    awk '$5 == "/" { split($6, o, ","); ro = o[1] } END { exit ro != "ro" }' "/proc/$1/mountinfo" || { echo "/ is writable"; return 1; }
}

# Every port number of $1 is free on this machine.
free_ports() {
    local port
    for port; do [ -z "$(ss -Hlntu "sport = :$port")" ] || { echo "port $port is taken"; return 1; }; done
}

page_served() { # HOST:PORT. Read to its end: curl would fail when what reads it leaves at the first match.
    local page
    page=$(curl -sSkf --max-time 20 "https://$1/index-agent-dn.html") || return 1
    [[ $page == *app-agent-dn.js* ]] || { echo "not the page: $page"; return 1; }
}

# Names of all libraries and scripts that the bill of materials lists stand in the licences; and it is SPDX.
materials() { # COMMAND... that runs dngate
    local dir
    dir=$(mktemp -d)
    "$@" version --licenses >"$dir/licenses" && "$@" version --sbom >"$dir/sbom" && node - "$dir" <<'JS'
const fs = require('fs'), [dir] = process.argv.slice(2);
const licences = fs.readFileSync(`${dir}/licenses`, 'utf8'), sbom = JSON.parse(fs.readFileSync(`${dir}/sbom`));
const fail = (why) => { console.log(why); process.exit(1); };
if (sbom.spdxVersion !== 'SPDX-2.3' || sbom.packages.length < 12) fail('no bill of materials');
for (const name of ['mbedtls', 'libwebsockets', 'libre', 'libsrtp2', 'opus', 'sqlite3', 'yyjson', 'argon2', 'glibc', 'jssip'])
    if (!sbom.packages.some((p) => p.name === name)) fail(`${name} is not in the bill of materials`);
for (const { name, SPDXID } of sbom.packages) {
    if (!new RegExp(`^${name}\\b`, 'm').test(licences)) fail(`no licence of ${name}`);
    if (!sbom.relationships.some((r) => r.relatedSpdxElement === SPDXID)) fail(`${name} is related to nothing`);
}
JS
    local rc=$?
    rm -rf "$dir"
    return $rc
}

summary() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
