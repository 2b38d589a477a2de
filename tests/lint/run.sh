#!/bin/bash
# The house rules, one case each; its last line is "N passed, N failed". `make lint` calls it.
#
#   LINT_CFLAGS   what our C files are compiled with
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
docker/packages.sh lint || exit

# The tree is laid out by this version; others break lines elsewhere.
format_version=14

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

formatted() {
    local version
    version=$(clang-format --version | grep -oE '[0-9]+' | head -1)
    if [ "$version" != "$format_version" ]; then echo "not judged by clang-format $version, but by $format_version"; return; fi
    c_files | xargs clang-format --dry-run -Werror
}

tidy() {
    local flags
    read -ra flags <<<"$LINT_CFLAGS"
    c_files | grep '^appliance/.*\.c$' | xargs -P"$(nproc)" -I{} clang-tidy --quiet {} -- "${flags[@]}" 2>/dev/null
}

scripts() { find .ci/run docker db tests -name '*.sh' -o -path .ci/run | grep -v /node_modules/ | xargs shellcheck -x -S warning; }

check "layers, banned functions, lengths" tests/lint/layers.sh
check "layout" formatted
check "clang-tidy" tidy
check "shellcheck" scripts
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
