# dngate: `make help` lists what there is to make. Folders of appliance/ are layers; tests/lint/layers says who may use whom.
VERSION := 0.1.0

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

FUZZ_SECONDS ?= 60
WERROR ?= -Werror
ONLY ?=

# ---------------------------------------------------------------- what there is

LAYERS    := $(shell sed -n 's/^\([a-z]*\):.*/\1/p' tests/lint/layers)
layer_uses = $(shell sed -n 's/^$1://p' tests/lint/layers)
$(foreach f,$(LAYERS),$(eval USES_$f := $(call layer_uses,$f)))
below      = $(sort $1 $(foreach f,$(USES_$1),$(call below,$f)))
$(foreach f,$(LAYERS),$(eval BELOW_$f := $(call below,$f)))
LAYERS    += app
BELOW_app := $(LAYERS)

SRC_app   := $(filter-out appliance/main.c,$(sort $(wildcard appliance/*.c)))
$(foreach f,$(filter-out app,$(LAYERS)),$(eval SRC_$f := $(shell find appliance/$f -name '*.c' 2>/dev/null | LC_ALL=C sort)))
# Sources made by a script belong to a folder, too.
ifneq ($(wildcard db/embed.sh),)
SRC_store += build/gen/schema.c
endif
ifneq ($(wildcard admin-ui/build.mjs),)
SRC_web   += build/gen/www.c
endif
SRC_app   += build/gen/about.c
# coturn's message codec: not ours, but it reads strangers' bytes, so that it is compiled like a file of ours.
COTURN    := $(patsubst %,build/deps/src/coturn/ns_turn_%.c,ioaddr msg msg_addr)
SRC_turn  += $(COTURN)
SRC_ALL   := $(foreach f,$(LAYERS),$(SRC_$f))

UNIT_SRC  := $(wildcard $(if $(ONLY),$(ONLY:%=tests/unit/%/test_*.c),tests/unit/*/test_*.c))
FLOW_SRC  := $(wildcard tests/flow/test_*.c)
# What takes long is started first, so that nothing is waited for alone at the end.
SLOW      := $(if $(UNIT_SRC)$(FLOW_SRC),$(shell grep -lF '/* SLOW */' $(UNIT_SRC) $(FLOW_SRC)))
UNIT_SRC  := $(filter $(SLOW),$(UNIT_SRC)) $(filter-out $(SLOW),$(UNIT_SRC))
FLOW_SRC  := $(filter $(SLOW),$(FLOW_SRC)) $(filter-out $(SLOW),$(FLOW_SRC))
FUZZ_SRC  := $(wildcard $(if $(ONLY),$(ONLY:%=tests/fuzz/fuzz_%_*.c),tests/fuzz/fuzz_*.c))
FAKE_SRC  := $(wildcard tests/fake/*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
TSAN_SRC  := $(if $(UNIT_SRC)$(FLOW_SRC),$(shell grep -lF '/* TSAN */' $(UNIT_SRC) $(FLOW_SRC)))
# Tests that include a fake's header are linked with the fakes.
USES_FAKE := $(if $(UNIT_SRC)$(FUZZ_SRC),$(shell grep -l '^#include "fake/' $(UNIT_SRC) $(FUZZ_SRC)))

# ---------------------------------------------------------------- flags

DEPS     := build/deps
AS_COTURN := -include turn/coturn.h -iquote appliance/turn -iquote $(DEPS)/include/coturn -fno-sanitize=alignment -w
DEFS     := -D_GNU_SOURCE -DRELEASE -DHAVE_INTTYPES_H -DHAVE_STDBOOL_H -DHAVE_INET6# the last four for libre
INCLUDES := -Iappliance -Ibuild/gen -isystem $(DEPS)/include -isystem $(DEPS)/include/re
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wno-format-truncation $(WERROR)
BASE     := -std=c17 $(DEFS) $(INCLUDES) $(WARN) -MMD -MP -ffile-prefix-map=$(CURDIR)=.
LIBS     := -L$(DEPS)/lib -lwebsockets -lsrtp2 -lmbedtls -lmbedx509 -lmbedcrypto -lopus -lsqlite3 -lyyjson -largon2 \
            -lm -lpthread
# Our SIP transport, wherever it is linked, comes before libre's stock one.
RE       := -lre
RE_STOCK := -Wl,--start-group -lre-transp -lre -Wl,--end-group

VARIANTS := release asan tsan fuzz
CC_release := gcc
CC_asan    := gcc
CC_tsan    := gcc
CC_fuzz    := clang
CFLAGS_release := -O2 -g -fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE \
                  -D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections -fno-strict-aliasing
CFLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -fsanitize=address,undefined \
                  -fno-sanitize-recover=all
CFLAGS_tsan    := -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -fsanitize=thread
CFLAGS_fuzz    := -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -fsanitize=fuzzer-no-link,address,undefined \
                  -fno-sanitize-recover=all -Wno-error
# --no-warnings: glibc's advice on getaddrinfo in static programs; files and dns are built in since 2.34. Newer linkers still print
# the note that follows each advice: quiet_link takes it out.
quiet_link = 2>&1 | { grep -v 'note: the message above does not take linker garbage collection into account' || true; }
LDFLAGS_release := -static-pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--no-warnings
LDFLAGS_asan    := -fsanitize=address,undefined
LDFLAGS_tsan    := -fsanitize=thread
LDFLAGS_fuzz    := -fsanitize=fuzzer,address,undefined

# ---------------------------------------------------------------- what to make

.PHONY: all run docs screenshots test unit flow tsan fuzz fuzz-brief e2e ui image image-test bench lint format deps clean help FORCE
all: build/dngate

help:
	@sed -n 's/^## //p' Makefile
## make               build/dngate, fully static
## make run           install what is missing, build, serve in lab mode: https://localhost:8443/; DNGATE_HTTPS_PORT=9443 make run
## make test          everything that one machine can test; ends with "N passed, N failed"
## make unit flow tsan fuzz-brief e2e ui image-test
##                    one suite of it; ONLY=media limits unit, tsan and fuzz to a folder
## make fuzz          every fuzz target for FUZZ_SECONDS (60)
## make image         the container image, dngate:latest and dngate:VERSION
## make bench         measure
## make soak          hold SOAK_CALLS (25) calls that come and go for SOAK_MINUTES (30): does the server stay as it is?
## make lint format   check the house rules; apply clang-format
## make screenshots   pictures of every page of the console, light, dark, phone, empty, full and broken, into build/screenshots
## make docs          write the settings' table of docs/operations.md anew
## make deps          the third-party libraries, into a cache outside the tree
## make clean         remove build/, keep the cache

build/dngate: build/dngate.debug
	strip -o $@ $<
	@size=$$(stat -c %s $@); [ $$size -lt 12582912 ] || { echo "$@: $$size bytes, more than 12 MiB" >&2; exit 1; }

# Unprivileged ports, unless the environment says others; DNGATE_* of the environment reach the server in any case.
run_port = $(eval run: export DNGATE_$1_PORT := $$(or $$(DNGATE_$1_PORT),$2))
$(call run_port,HTTP,8080)
$(call run_port,HTTPS,8443)
RUN_DATA ?= ./data
run: all
	exec build/dngate serve --lab --data $(RUN_DATA)

$(COTURN): build/deps.stamp ;

# What of docs/ comes from the program.
docs: all
	@rm -rf build/docs-data; node docs/generate.mjs build/dngate build/docs-data

clean:
	rm -rf build

deps: build/deps.stamp

# Changes only when other libraries are linked, so that everything is compiled again then and only then.
build/deps.stamp: FORCE
	@docker/packages.sh build
	@docker/deps.sh $(DEPS)
	@readlink $(DEPS) | cmp -s - $@ || readlink $(DEPS) >$@

build/gen/version.h: FORCE
	@mkdir -p $(@D)
	@hash=$$(docker/revision.sh); \
	line="#define DNGATE_VERSION \"$(VERSION)$${hash:++$$hash}\""; \
	echo "$$line" | cmp -s - $@ || echo "$$line" >$@

build/gen/schema.c: db/embed.sh db/schema.sql $(wildcard db/migrations/*.sql)
	@mkdir -p $(@D)
	$< $@

# What `dngate version --licenses` and `--sbom` print.
build/gen/about.c: appliance/about.h build/gen/www.c build/gen/version.h build/deps.stamp docker/licenses.sh docker/sbom.mjs docker/embed.sh LICENSE
	docker/licenses.sh $(DEPS) build/www/licenses.txt >build/gen/licenses.txt
	node docker/sbom.mjs "$$(sed -n 's/.*"\(.*\)"/\1/p' build/gen/version.h)" "$$(dpkg-query -W -f '$${Version}' libc6-dev)" \
		"$$(gcc -dumpfullversion)" $(DEPS)/versions.txt admin-ui/package-lock.json >build/gen/sbom.spdx.json
	docker/embed.sh about.h about_licenses=build/gen/licenses.txt about_sbom=build/gen/sbom.spdx.json \
		about_versions=$(DEPS)/versions.txt >$@

UI_FILES := $(shell find admin-ui -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
build/gen/www.c: $(UI_FILES) $(if $(wildcard admin-ui/package-lock.json),admin-ui/node_modules/.package-lock.json)
	@mkdir -p $(@D)
	node admin-ui/build.mjs build/www $@

%/node_modules/.package-lock.json: %/package-lock.json %/package.json | build/deps.stamp
	npm ci --no-audit --no-fund --loglevel=error --prefix $*
	@touch $@

# ---------------------------------------------------------------- compiling and linking, once per variant

# build/V.KIND/x.o from KIND/x.c; objects of one folder are also gathered in build/V/FOLDER.a for the unit tests.
obj = $(patsubst %.c,build/$1/%.o,$(subst build/gen/,gen/,$2))

define variant
build/$1/gen/%.o: build/gen/%.c build/deps.stamp | build/gen/version.h
	@mkdir -p $$(@D)
	@echo "$1 $$<"
	@$$(CC_$1) $$(BASE) $$(CFLAGS_$1) -c $$< -o $$@
build/$1/%.o: %.c build/deps.stamp | build/gen/version.h
	@mkdir -p $$(@D)
	@echo "$1 $$<"
	@$$(CC_$1) $$(BASE) $$(CFLAGS_$1) $$(if $$(filter tests/%,$$<),-Itests -Wno-missing-prototypes) \
		$$(if $$(filter asan.tests/unit/%,$1.$$<),-DTESTING_OOM -O0) \
		$$(if $$(filter $$(COTURN),$$<),$$(AS_COTURN)) -c $$< -o $$@
$(foreach f,$(LAYERS),$(eval $(call archive,$1,$f,$(call obj,$1,$(SRC_$f)))))
$(eval $(call archive,$1,fake,$(call obj,$1,$(FAKE_SRC))))
endef

# An archive is made anew when a member changed or the list of members did.
define archive
build/$1/$2.a: $3 build/$1/$2.list
	@rm -f $$@; ar rcs $$@ $3
build/$1/$2.list: FORCE
	@mkdir -p $$(@D); echo "$3" | cmp -s - $$@ || echo "$3" >$$@
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$v)))

# link VARIANT,OUTPUT,OBJECTS,ARCHIVES
define link
$2: $3 $4
	@mkdir -p $$(@D)
	@echo "link $$@"
	@$$(CC_$1) $$(CFLAGS_$1) $$(LDFLAGS_$1) $$(WRAP) -o $$@ $3 $(if $4,-Wl$(,)--start-group $4) -L$(DEPS)/lib $$(RE) \
		$(if $4,-Wl$(,)--end-group) $$(RE_STOCK) $$(LIBS) $$(quiet_link)
endef
, := ,

everything = $(call obj,$1,$(SRC_ALL))
$(eval $(call link,release,build/dngate.debug,$(call everything,release) build/release/appliance/main.o))
$(eval $(call link,asan,build/asan/dngate,$(call everything,asan) build/asan/appliance/main.o))

# A test of a folder: tests/unit/FOLDER/test_x.c, tests/fuzz/fuzz_FOLDER_x.c
folder_of = $(patsubst tests/unit/%/,%,$(filter tests/unit/%,$(dir $1)))$(word 2,$(if $(filter tests/fuzz/%,$1),$(subst _, ,$(notdir $1))))
bin       = $(patsubst tests/%.c,build/$1/bin/%,$2)
layered   = $(call link,$1,$(call bin,$1,$2),$(call obj,$1,$2),$(if $(filter $2,$(USES_FAKE)),build/$1/fake.a) \
                $(patsubst %,build/$1/%.a,$(BELOW_$(call folder_of,$2))))
whole     = $(call link,$1,$(call bin,$1,$2),$(call obj,$1,$2 $(FAKE_SRC)) $(call everything,$1))
$(foreach t,$(UNIT_SRC),$(eval $(call layered,asan,$t)))
# Unit tests are run with failing allocations, too: tests/oom.h.
$(call bin,asan,$(UNIT_SRC)): WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(foreach t,$(FUZZ_SRC),$(eval $(call layered,fuzz,$t)))
$(foreach t,$(FLOW_SRC),$(eval $(call whole,asan,$t)))
$(foreach t,$(filter tests/unit/%,$(TSAN_SRC)),$(eval $(call layered,tsan,$t)))
$(foreach t,$(filter tests/flow/%,$(TSAN_SRC)),$(eval $(call whole,tsan,$t)))

-include $(shell find build -name '*.d' -not -path 'build/deps/*' 2>/dev/null)

# ---------------------------------------------------------------- suites

PARTS_unit       = $(call bin,asan,$(UNIT_SRC))
PARTS_tsan       = $(call bin,tsan,$(TSAN_SRC))
PARTS_flow       = $(call bin,asan,$(FLOW_SRC))
PARTS_fuzz-brief = $(call bin,fuzz,$(FUZZ_SRC))
PARTS_e2e        = build/asan/dngate build/dngate

# What does not build counts as a failure of the suite, not as the end of it; a binary of an earlier build must not stand in for it.
unit tsan flow fuzz-brief: build/deps.stamp
	$(if $(filter fuzz-brief,$@),@docker/packages.sh test)
	@+$(if $(PARTS_$@),tests/run.sh build $@ env LC_ALL=C $(MAKE) -k $(PARTS_$@);) tests/run.sh $@ $(PARTS_$@)
fuzz: build/deps.stamp
	@docker/packages.sh build test
	@+$(MAKE) $(PARTS_fuzz-brief)
	FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run.sh fuzz $(PARTS_fuzz-brief)

# Browsers, sipp and turnutils against the sanitized binary; UI tests under node alone.
NODE_DIRS := $(patsubst %/package-lock.json,%/node_modules/.package-lock.json,\
                $(wildcard tests/e2e/package-lock.json tests/ui/package-lock.json admin-ui/package-lock.json))
e2e: build/deps.stamp $(NODE_DIRS)
	@docker/packages.sh test
	@+tests/run.sh build e2e env LC_ALL=C $(MAKE) -k $(PARTS_e2e); tests/run.sh e2e
ui: build/deps.stamp $(NODE_DIRS)
	@docker/packages.sh test
	@tests/run.sh ui

SCREENSHOTS ?= build/screenshots
screenshots: $(NODE_DIRS)
	@docker/packages.sh test
	node tests/ui/shots.mjs $(SCREENSHOTS)

# The container image in a real Docker engine where one can be started; else the binary in a chroot.
image-test: all $(NODE_DIRS)
	@docker/packages.sh test
	@tests/run.sh image

IMAGE_OPTIONS ?=
image:
	DOCKER_BUILDKIT=1 docker build $(IMAGE_OPTIONS) --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(docker/revision.sh) \
		-t dngate:$(VERSION) -t dngate .

# Side by side: what waits for its own clocks and browsers, and behind it, with what it leaves of the processors, what only computes.
# end-to-end tests judge audio: they have the machine to themselves.
in_turn = for suite in $1; do $2 $(MAKE) $$suite || true; done
test:
	@rm -rf build/results
	@docker/packages.sh build test
	@+mkdir -p build/results; n='0 1'; if $(MAKE) all; then n='1 0'; fi; echo $$n >build/results/build.count
	@+tests/run.sh build test env LC_ALL=C $(MAKE) -k $(foreach s,unit tsan flow fuzz-brief e2e,$(PARTS_$s))
	@+$(call in_turn,flow ui) & $(call in_turn,unit tsan) & { $(call in_turn,image-test); $(call in_turn,lint fuzz-brief,nice); } & wait
	@+$(MAKE) e2e || true
	@tests/run.sh total

ifeq ($(wildcard tests/bench/bench.mk),)
BENCH_BIN := $(BENCH_SRC:tests/bench/%.c=build/bench/%)
bench: $(BENCH_BIN)
	@$(foreach b,$(BENCH_BIN),echo "== $b"; $b;)
$(foreach t,$(BENCH_SRC),$(eval $(call link,release,$(t:tests/bench/%.c=build/bench/%),$(call obj,release,$t $(FAKE_SRC)) $(call everything,release))))
else
include tests/bench/bench.mk
endif

C_FILES := $(sort $(shell find appliance tests -name '*.[ch]' 2>/dev/null))
lint: all
	@LINT_CFLAGS='$(filter-out -M% $(WERROR),$(BASE))' tests/run.sh lint
format:
	@docker/packages.sh lint
	clang-format -i $(C_FILES)
