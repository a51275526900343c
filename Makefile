# SPDX-License-Identifier: GPL-2.0-or-later
# memtrace: make, make check [T=NAME...], make check-root [T=NAME...], make check-judge, make bench, make install, make clean; V=1 shows commands.

VERSION := 0.1.0
prefix ?= /usr/local
bindir ?= $(prefix)/sbin
mandir ?= $(prefix)/share/man
bashdir ?= $(prefix)/share/bash-completion/completions
zshdir ?= $(prefix)/share/zsh/site-functions
fishdir ?= $(prefix)/share/fish/vendor_completions.d

CC ?= gcc
CXX ?= g++
CLANG ?= clang
BPFTOOL ?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
ARCH := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')

B ?= build
WERROR ?=
# Clang's -Wconversion also means CHECK(!"text") and a double as a condition.
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers -Wconversion \
	$(if $(findstring clang,$(CC)),-Wno-string-conversion -Wno-float-conversion -Wno-implicit-int-float-conversion) $(WERROR)
CFLAGS ?= -O2 -g
SAN ?=
cflags := -std=gnu11 $(CFLAGS) $(WARN) $(SAN) -D_GNU_SOURCE -DMEMTRACE_VERSION='"$(VERSION)"' -Isrc -isystem $B -MMD -MP -pthread \
	$(shell $(PKG_CONFIG) --cflags libbpf libdw libelf 2>/dev/null)
libs := $(LDFLAGS) -lbpf -ldw -lelf -ljson-c -lZydis -lZycore -liberty -lz -llzma -lpthread -lm
bpf_cflags := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Wno-unused-parameter $(WERROR) -Ivmlinux/$(ARCH) -Isrc -Ibpf -MMD -MP

V ?= 0
ifeq ($V,0)
Q := @
say = @printf '  %-8s %s\n' $(1) $(patsubst $B/%,%,$(2));
else
Q :=
say =
endif

sources := $(wildcard src/*/*.c)
objects := $(patsubst src/%.c,$B/%.o,$(filter-out src/cli/main.c,$(sources)))
unit_tests := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/*/test_*.c))
generated := $B/memtrace.8 $(addprefix $B/completions/memtrace.,bash zsh fish)
bench_programs := $B/bench/floor $B/bench/collector_bench

.PHONY: all unit-tests fuzz-targets check check-root check-judge bench install uninstall clean format format-check
.DELETE_ON_ERROR:
.SECONDARY:

all: $B/memtrace $(generated)

$B/memtrace: $B/cli/main.o $B/libmemtrace.a
	$(call say,LINK,$@)$(CC) $(SAN) -o $@ $^ $(libs)

# Made from the table of options.
$B/completions/memtrace.%: $B/memtrace
	@mkdir -p $(@D)
	$(call say,GEN,$@)$B/memtrace --generate $* > $@

$B/options.man: $B/memtrace
	$(call say,GEN,$@)$B/memtrace --generate man > $@

$B/memtrace.8: scripts/memtrace.8.in $B/options.man Makefile
	$(call say,GEN,$@)sed -e 's/@VERSION@/$(VERSION)/' -e '/^@OPTIONS@$$/{r $B/options.man' -e 'd;}' $< > $@

$B/libmemtrace.a: $(objects)
	$(call say,AR,$@)rm -f $@ && ar qcs $@ $^

# Only the tracer sees the skeletons.
$(patsubst src/%.c,$B/%.o,$(wildcard src/trace/*.c)): $B/memtrace.skel.h $B/exceptions.skel.h

$B/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(cflags) -c -o $@ $<

$B/%.bpf.o: bpf/%.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(bpf_cflags) -c -o $@ $<

$B/%.skel.h: $B/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@

# The empty programs that the benchmark holds the tracer's against.
$B/bench/floor.bpf.o: tests/bench/floor.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(bpf_cflags) -c -o $@ $<

$B/floor.skel.h: $B/bench/floor.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name floor_bpf > $@

$B/bench/floor: $B/floor.skel.h

$B/unit/%: tests/unit/%.c tests/unit/test.h $B/libmemtrace.a Makefile
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(cflags) -MF $@.d -Itests/unit -o $@ $< $B/libmemtrace.a $(libs)

$B/bench/%: tests/bench/%.c $B/libmemtrace.a Makefile
	@mkdir -p $(@D)
	$(call say,BENCH,$@)$(CC) $(cflags) -MF $@.d -o $@ $< $B/libmemtrace.a $(libs)

# What the test of whole stacks is made of.
unwind_parts := $(addprefix $B/root/unwind/,driver oracle.so walk.bpf.o)

$B/root/unwind/driver: tests/root/unwind/driver.c $B/libmemtrace.a Makefile
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(cflags) -MF $@.d -Itests/root/unwind -o $@ $< $B/libmemtrace.a $(libs)

$B/root/unwind/oracle.so: tests/root/unwind/oracle.c Makefile
	@mkdir -p $(@D)
	$(call say,TEST,$@)$(CC) $(cflags) -MF $@.d -shared -fPIC -o $@ $<

$B/root/unwind/walk.bpf.o: tests/root/unwind/walk.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)$(CLANG) $(bpf_cflags) -Itests/root/unwind -c -o $@ $<

# Readers of foreign bytes, under libFuzzer: tests/fuzz/fuzz_NAME.c, each linked with all the code that needs no kernel.
, := ,
fuzz_cflags := -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	-D_GNU_SOURCE -DMEMTRACE_VERSION='"$(VERSION)"' -Isrc -MMD -MP
fuzz_targets := $(patsubst tests/fuzz/%.c,$B/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_objects := $(patsubst src/%.c,$B/fuzz/%.o,$(filter-out $(addprefix src/,cli/% session/% trace/%),$(sources)))

fuzz-targets: $(fuzz_targets)

$B/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $B/fuzz/libmemtrace.a Makefile
	$(call say,FUZZ,$@)$(CLANG) $(fuzz_cflags) -MF $@.d -o $@ $< $B/fuzz/libmemtrace.a $(libs)

$B/fuzz/libmemtrace.a: $(fuzz_objects)
	$(call say,AR,$@)rm -f $@ && ar qcs $@ $^

$B/fuzz/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)$(CLANG) $(subst fuzzer$(,),fuzzer-no-link$(,),$(fuzz_cflags)) -c -o $@ $<

# The BPF objects by every installed clang: the compiler decides what the verifier gets to see. Each binary once, $(CLANG)
# first.
clangs := $(shell { for d in $$(echo "$$PATH" | tr : '\n' | grep -v ccache); do \
		ls "$$d" 2>/dev/null | grep -x 'clang-[1-9][0-9]' | sed "s|^|$$d/|"; done; command -v $(lastword $(CLANG)); } | \
	while read -r c; do echo "$$(readlink -f "$$c") $$(basename "$$c")"; done | sort -s -u -k1,1 | \
	awk -v own="$$(readlink -f "$$(command -v $(lastword $(CLANG)))")" '$$1 == own { print $$2; next } { rest = rest " " $$2 } END { print rest }')
load_objects := $(foreach c,$(clangs),$B/load/$c/memtrace.bpf.o $B/load/$c/exceptions.bpf.o)

define load_rule
$B/load/$1/%.bpf.o: bpf/%.bpf.c Makefile
	@mkdir -p $$(@D)
	$$(call say,BPF,$$@)$(if $(filter $1,$(notdir $(lastword $(CLANG)))),$(CLANG),$1) $$(bpf_cflags) -c -o $$@ $$<
endef
$(foreach c,$(clangs),$(eval $(call load_rule,$c)))

# T names tests: a folder's, one by its name, or folder/name.
wanted_tests := $(if $T,$(foreach t,$T,$(filter $B/unit/$t/% %/test_$t $B/unit/$(dir $t)test_$(notdir $t),$(unit_tests))),$(unit_tests))

# Every unit test's program, without running it.
unit-tests: $(unit_tests)

check: $(if $T,,all) $(wanted_tests) $(if $(filter %/trace/test_load,$(wanted_tests)),$(load_objects))
	$(Q)B=$B CLANGS="$(clangs)" tests/run unit $T

check-root: all $(unwind_parts)
	$(Q)B=$B CC="$(CC)" CXX="$(CXX)" tests/run root $T

# The verdicts of simulated programs, with all the seeds of the published table: some ten seconds.
check-judge: all $B/unit/heap/test_judge $B/unit/heap/test_judge_traffic
	$(Q)B=$B JUDGE_SEEDS=12 tests/run unit heap/judge heap/judge_traffic

bench: all $(bench_programs) check-judge
	$(Q)B=$B CC="$(CC)" scripts/bench

install: all
	install -D -m 755 $B/memtrace $(DESTDIR)$(bindir)/memtrace
	install -D -m 644 $B/memtrace.8 $(DESTDIR)$(mandir)/man8/memtrace.8
	install -D -m 644 $B/completions/memtrace.bash $(DESTDIR)$(bashdir)/memtrace
	install -D -m 644 $B/completions/memtrace.zsh $(DESTDIR)$(zshdir)/_memtrace
	install -D -m 644 $B/completions/memtrace.fish $(DESTDIR)$(fishdir)/memtrace.fish

uninstall:
	rm -f $(DESTDIR)$(bindir)/memtrace $(DESTDIR)$(mandir)/man8/memtrace.8 $(DESTDIR)$(bashdir)/memtrace \
		$(DESTDIR)$(zshdir)/_memtrace $(DESTDIR)$(fishdir)/memtrace.fish

# Two versions of clang-format are in use, and the code satisfies both. The C++ programs are left alone: tests know
# their lines and columns.
format_versions := 14 19
format_sources = $(shell find src bpf tests vmlinux -name '*.[ch]' | sort)

format:
	$(Q)$(firstword $(foreach v,$(format_versions),$(shell command -v clang-format-$v)) clang-format) -i $(format_sources)

format-check:
	$(Q)status=0 checked=0; for v in $(format_versions); do \
		if command -v clang-format-$$v >/dev/null; then \
			clang-format-$$v --dry-run -Werror $(format_sources) || status=1; checked=1; \
		else echo "skip - clang-format-$$v is not installed"; fi; done; \
	[ $$checked = 1 ] || { echo "no clang-format of version $(format_versions) is installed"; exit 77; }; exit $$status

clean:
	rm -rf $B

-include $(shell find $B -name '*.d' 2>/dev/null)
