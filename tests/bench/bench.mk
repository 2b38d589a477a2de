# make bench: the load generator (tests/bench, one program) and a run of it against build/dngate. Included by the Makefile.
#   BENCH_CALLS="1 25 50 100"  BENCH_SECONDS=10 and more: see tests/bench/bench.c
$(eval $(call link,release,build/bench/bench,$(call obj,release,$(BENCH_SRC) appliance/call/sdp.c),\
    $(patsubst %,build/release/%.a,fake media stun crypto core)))

bench: build/bench/bench build/dngate
	@build/bench/bench build/dngate
