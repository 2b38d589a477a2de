#!/bin/bash
# Runs one suite's programs and counts its cases into build/results/SUITE as "PASSED FAILED".
#
#   tests/run.sh SUITE [BINARY...]   unit tsan flow fuzz-brief fuzz ui e2e image lint; a binary that is missing counts as failed
#   tests/run.sh build SUITE MAKE... run a make -k, show only its errors, remove old binaries that it could not remake
#   tests/run.sh total               the sum of all suites; exit 1 when one failed or nothing ran
#
# TEST_TIMEOUT: seconds a program may take (300; 1200 for a file of Node's; 3600 where one program is the suite).
# TEST_JOBS: programs at a time where they may run side by side (the number of processors, twice that where they wait more than they
# compute). Output of passing programs is kept in build/results/SUITE.log/ only.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
suite=$1
shift
results=build/results
logs=$results/$suite.log
mkdir -p "$results"

if [ "$suite" = total ]; then
    passed=0 failed=0
    for f in "$results"/*.count; do
        [ -f "$f" ] || continue
        read -r p n <"$f"
        passed=$((passed + p)) failed=$((failed + n))
    done
    echo "$passed passed, $failed failed" | tee "$results/total"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
fi

if [ "$suite" = build ]; then
    log=build/$1.build.log
    shift
    "$@" >"$log" 2>&1 && exit 0
    grep -aE 'error|undefined reference|multiple definition|\*\*\* No rule' "$log" | sort -u | head -40
    grep -aE "not remade because|\*\*\*" "$log" | grep -oE "build/[a-z]+/(bin/[a-z0-9_/]+|dngate)" | sort -u | xargs -r rm -f
    exit 0
fi

rm -rf "$logs" "$results/$suite.count"
mkdir -p "$logs"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-second_deadlock_stack=1:halt_on_error=1}
# What tests write is kept in memory where there is room for it: they check what was written, and need not wait for a disk that all share.
memory=/dev/shm memory_kb=2000000
if [ -z "${TMPDIR:-}" ] && [ "$suite" != image ] && [ "$(stat -f -c %T $memory 2>/dev/null)" = tmpfs ] &&
    [ "$(df -k --output=avail $memory | tail -1)" -gt $memory_kb ]; then
    TMPDIR=$(mktemp -d $memory/dngate-tests.XXXXXX)
    export TMPDIR
    trap 'rm -rf "$TMPDIR"' EXIT
    trap 'exit 130' INT TERM
fi
# Unit tests again, with this many of each one's allocations failing: tests/oom.h.
[ "$suite" != unit ] || export TEST_OOM=${TEST_OOM:-12}
# Sanitizers of older compilers fail at random under much address randomization.
norandom=()
setarch -R true 2>/dev/null && norandom=(setarch -R)

say() { # say NAME PASSED FAILED START
    printf '%-10s %-36s %4d passed, %d failed  (%d s)\n' "$suite" "$1" "$2" "$3" $((SECONDS - $4))
}

# ran_out NAME RC LIMIT START LOG: notes it and is true when `timeout` ended the program.
ran_out() {
    local last
    { [ "$2" -eq 124 ] || [ "$2" -eq 137 ]; } && [ $((SECONDS - $4)) -ge "$3" ] || return 1
    last=$(grep -aE '^ *(ok|not ok|FAIL) ' "$5" | tail -1)
    echo "FAIL $1 timed out after $3 s, in what comes after: ${last:-nothing}" >>"$5"
}

# One program of the harness: its last line has the counts; a crash, a leak or a timeout is one more failure.
run_binary() {
    local bin=$1 name log start=$SECONDS rc=0 p=0 f=0 limit=${TEST_TIMEOUT:-300}
    name=${bin#build/*/bin/}
    name=${name#"${suite}"/}
    log=$logs/${name//\//_}.txt
    if [ ! -x "$bin" ]; then
        echo "$suite $name: not built" | tee "$log"
        echo "0 1" >"$log.count"
        return
    fi
    timeout -k 5 "$limit" "${norandom[@]}" "$bin" >"$log" 2>&1 </dev/null || rc=$?
    if [[ $(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -1) =~ ^([0-9]+)\ passed,\ ([0-9]+) ]]; then
        p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]}
    else
        p=$(grep -ac '^ok ' "$log") f=$(grep -ac '^FAIL ' "$log")
    fi
    if ran_out "$name" $rc "$limit" "$start" "$log"; then
        f=$((f + 1))
    elif [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
        echo "exit status $rc" >>"$log"
    fi
    finish_program "$name" "$log" "$p" "$f" "$start"
}

failures() { grep -av '^ok ' "$1" | tail -60; }
tap_failures() { grep -aA25 -E '^( *not ok|FAIL)' "$1" | head -200; }

finish_program() { # NAME LOG PASSED FAILED START [what shows its failures]
    local log=$2 f=$4
    echo "$3 $f" >"$log.count"
    { say "$1" "$3" "$f" "$5"; [ "$f" -eq 0 ] || "${6:-failures}" "$log" | sed 's/^/    /'; } >"$log.out"
    cat "$log.out"
}

# One fuzz target is one case. New inputs stay in build/; the committed corpus is only read.
run_fuzz() {
    local bin=$1 name log start=$SECONDS f=0 seeds new seconds=${FUZZ_SECONDS:-60}
    [ "$suite" = fuzz-brief ] && seconds=${FUZZ_BRIEF_SECONDS:-3}
    name=$(basename "$bin")
    log=$logs/$name.txt
    seeds=tests/fuzz/corpus/${name#fuzz_}
    new=build/fuzz/corpus/${name#fuzz_}
    mkdir -p "$new" build/fuzz/artifacts
    if [ ! -x "$bin" ]; then
        echo "$suite $name: not built" | tee "$log"
        echo "0 1" >"$log.count"
        return
    fi
    [ -d "$seeds" ] || seeds=
    timeout -k 5 $((seconds + 120)) "${norandom[@]}" "$bin" -max_total_time="$seconds" -timeout=20 \
        -rss_limit_mb=2048 -print_final_stats=0 -artifact_prefix="build/fuzz/artifacts/$name-" \
        ${TEST_SEED:+-seed=$((TEST_SEED % 2147483647))} "$new" ${seeds:+"$seeds"} >"$log" 2>&1 </dev/null || f=1
    finish_program "$name" "$log" $((1 - f)) $f $start
}

# One file of tests for Node.
run_node() {
    local name log start=$SECONDS p f rc=0 limit=${TEST_TIMEOUT:-1200}
    name=$(basename "$1" .test.mjs)
    log=$logs/$name.txt
    timeout -k 10 "$limit" "${apart[@]}" node "${node_flags[@]}" "$1" >"$log" 2>&1 </dev/null || rc=$?
    p=$(sed -n 's/^# pass //p' "$log" | tail -1)
    f=$(sed -n 's/^# fail //p' "$log" | tail -1)
    p=${p:-0} f=${f:-0}
    if ran_out "$name" $rc "$limit" "$start" "$log" || { [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; }; then f=$((f + 1)); fi
    finish_program "$name" "$log" "$p" "$f" "$start" tap_failures
}

run_own() {
    local script=$1 log=$logs/own.txt rc=0 p=0 f=0 start=$SECONDS limit=${TEST_TIMEOUT:-3600}
    timeout -k 10 "$limit" "$script" 2>&1 </dev/null | tee "$log" || rc=$?
    if [[ $(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -1) =~ ^([0-9]+)\ passed,\ ([0-9]+) ]]; then
        p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]}
    fi
    if ran_out "$script" $rc "$limit" "$start" "$log"; then
        f=$((f + 1))
        tail -1 "$log"
    elif [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
    fi
    echo "$p $f" >"$log.count"
    say "$script" "$p" "$f" "$start"
}

# At most $1 at a time of: $2 ARGUMENT...
parallel() {
    local width=$1 what=$2 bin
    shift 2
    for bin in "$@"; do
        while [ "$(jobs -rp | wc -l)" -ge "$width" ]; do wait -n; done
        "$what" "$bin" &
    done
    wait
}

# Side by side, each in a network of its own so that no two meet at a port; where none can be had, one after another. Files that judge
# audio come after the rest, three at a time on two processors: each needs a quarter of one, so that they take no packets from one another.
# Those that have three browsers (lib/zoo.mjs) or many pages (a line CROWD) follow one at a time. zz-logs reads what all others have logged.
run_e2e() {
    local file first=() audio=() crowds=() last=()
    for file in tests/e2e/*.test.mjs; do
        if [[ $file == */zz-* ]]; then last+=("$file"); elif grep -qE 'lib/zoo\.mjs|^// CROWD' "$file"; then crowds+=("$file");
        elif grep -qE 'lib/(audio|echo)\.mjs' "$file"; then audio+=("$file"); else first+=("$file"); fi
    done
    if tests/e2e/lib/netns.sh true 2>/dev/null; then apart=(tests/e2e/lib/netns.sh); else jobs=1 waits=1; fi
    parallel $((jobs * waits)) run_node "${first[@]}"
    parallel $((jobs + jobs * (waits - 1) / 2)) run_node "${audio[@]}"
    parallel 1 run_node "${crowds[@]}"
    apart=()
    parallel 1 run_node "${last[@]}"
}

jobs=${TEST_JOBS:-$(nproc)}
waits=2 # times as many of those that wait more than they compute
[ -z "${TEST_JOBS:-}" ] || waits=1
apart=() # a command before a program, as one that gives it a network of its own
node_flags=(--test-reporter=tap)
# What a failed test left open is not waited for, where Node knows how.
node --test-force-exit --eval 0 2>/dev/null && node_flags+=(--test-force-exit)

case $suite in
flow) parallel $((jobs * waits)) run_binary "$@" ;;
unit | tsan) parallel "$jobs" run_binary "$@" ;;
fuzz | fuzz-brief) parallel "$jobs" run_fuzz "$@" ;;
ui) parallel $((jobs * waits)) run_node tests/ui/*.test.mjs ;;
e2e)
    rm -rf "$results/e2e-logs" # the last test looks for passwords in them
    export DNGATE_BIN=${DNGATE_BIN:-$PWD/build/asan/dngate}
    if [ -x "$DNGATE_BIN" ]; then run_e2e; else
        echo "e2e: $DNGATE_BIN is not built"
        echo "0 1" >"$logs/binary.count"
    fi
    ;;
lint | image) run_own "tests/$suite/run.sh" ;;
*) echo "unknown suite $suite" >&2; exit 2 ;;
esac

passed=0 failed=0
for f in "$logs"/*.count; do
    [ -f "$f" ] || continue
    read -r p n <"$f"
    passed=$((passed + p)) failed=$((failed + n))
done
echo "$passed $failed" >"$results/$suite.count"
echo "$suite: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
