# make bench, make soak: the load generator (tests/bench) and its runs against build/dngate. Included by the Makefile.
#   BENCH_CALLS="1 25 50 100"  BENCH_SECONDS=10 and more: see tests/bench/bench.c
#   BENCH_TURN_CLIENTS=100: see tests/bench/turn/main.c
#   BENCH_LEGS=500  BENCH_LOADERS=2: see tests/bench/turnpages/main.c
#   BENCH_UPSTREAM=1000  BENCH_UPSTREAM_SECONDS=30 and more: see tests/bench/upstream.mjs
#   BENCH_RECORDS=1000000  BENCH_DNS=5000 and more: see tests/bench/console/main.c
#   SOAK_MINUTES=30  SOAK_CALLS=25 and more: see tests/bench/soak.c
bench_objs = $(call obj,release,$(filter-out $1,$(BENCH_SRC)) appliance/call/sdp.c)
bench_libs := $(patsubst %,build/release/%.a,fake media net stun crypto core)
$(eval $(call link,release,build/bench/bench,$(call bench_objs,tests/bench/soak%.c),$(bench_libs)))
$(eval $(call link,release,build/bench/soak,$(call bench_objs,tests/bench/bench.c),$(bench_libs)))
turnpages_srcs := $(wildcard tests/bench/turnpages/*.c) $(addprefix tests/bench/,turn/load.c turn/tlsclient.c loop.c server.c)
$(eval $(call link,release,build/bench/turnpages,$(call obj,release,$(turnpages_srcs)),$(patsubst %,build/release/%.a,turn net stun crypto core)))
console_srcs := $(wildcard tests/bench/console/*.c) tests/bench/turn/tlsclient.c $(filter-out tests/bench/bench.c tests/bench/soak%,$(BENCH_SRC)) appliance/call/sdp.c
$(eval $(call link,release,build/bench/console,$(call obj,release,$(console_srcs)),$(bench_libs)))
turn_srcs := $(wildcard tests/bench/turn/*.c) tests/bench/loop.c
$(eval $(call link,release,build/bench/turn,$(call obj,release,$(turn_srcs)),$(patsubst %,build/release/%.a,turn net stun crypto core)))
$(eval $(call link,release,build/bench/wire,$(call obj,release,tests/bench/wire/main.c),$(patsubst %,build/release/%.a,media net stun crypto core)))
$(eval $(call link,release,build/bench/turncore,$(call obj,release,tests/bench/turncore/main.c),$(patsubst %,build/release/%.a,turn net stun crypto core)))

.PHONY: soak
# TURN beside Debian's turnserver, where the machine has it or may install it.
bench: build/bench/bench build/dngate build/bench/turn build/bench/turncore build/bench/wire build/bench/turnpages build/bench/console
	@build/bench/bench build/dngate
	@docker/packages.sh bench || true
	@build/bench/turncore
	@build/bench/wire
	@build/bench/turn
	@build/bench/turnpages build/dngate
	@build/bench/console build/dngate
	@node tests/bench/upstream.mjs build/dngate
soak: build/bench/soak build/dngate
	@build/bench/soak build/dngate
