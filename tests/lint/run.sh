#!/bin/bash
# The house rules, one case each; its last line is "N passed, N failed". `make lint` calls it.
#
#   LINT_CFLAGS   what our C files are compiled with
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
docker/packages.sh lint || exit

# The version of clang that lays out the tree and whose findings are mended: others break lines elsewhere and find other things.
clang_version=14

passed=0 failed=0
check() { # NAME COMMAND...
    local name=$1 out start=$SECONDS
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok   $name ($((SECONDS - start)) s)"
    else
        failed=$((failed + 1))
        echo "FAIL $name ($((SECONDS - start)) s)"
    fi
    [ -z "$out" ] || printf '%s\n' "$out" | tail -60 | sed 's/^/    /'
}

c_files() { find appliance tests -name '*.[ch]' | LC_ALL=C sort; }

# judges COMMAND: is it of that version? Says so when not.
judges() {
    local version
    version=$("$1" --version | grep -oE 'version [0-9]+' | head -1)
    [ "$version" = "version $clang_version" ] || { echo "not judged by $1 of $version, but of $clang_version"; return 1; }
}

formatted() {
    judges clang-format || return 0
    c_files | xargs clang-format --dry-run -Werror
}

tidy() {
    local flags
    judges clang-tidy || return 0
    read -ra flags <<<"$LINT_CFLAGS"
    c_files | grep '^appliance/.*\.c$' | xargs -P"$(nproc)" -I{} clang-tidy --quiet {} -- "${flags[@]}" 2>/dev/null
}

scripts() { find .ci/run docker db tests -name '*.sh' -o -path .ci/run | grep -v /node_modules/ | xargs shellcheck -x -S warning; }

check "layers, banned functions, lengths" tests/lint/layers.sh
check "layout" formatted
check "clang-tidy" tidy
check "functions that nobody calls" tests/lint/unused.sh
check "shellcheck" scripts
check "types of the pages' scripts" npm run --silent types --prefix admin-ui
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
