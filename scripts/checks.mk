# SPDX-License-Identifier: Apache-2.0
#
# What is run with the tests: checks of the project's form, instrumented builds (each in a folder of
# its own below $(BUILD)), conformance, simulation, benchmarks.

# --- Conformance, simulation, demo ----------------------------------------------------------------

CASES ?= $(shell sed 's,^,tests/conformance/cases/,' tests/conformance/first.txt 2>/dev/null)
SEEDS ?= 200

conformance: $(BUILD)/tests/conformance  ## replay recorded cases; CASES=PATH: those of a file or folder
	$(Q)$(BUILD)/tests/conformance $(CASES)

oracle:  ## run the recorded cases with Kafka Streams itself (fetched), compare with what they recorded
	$(Q)BUILD=$(BUILD) tests/oracle/oracle check $(CASES)

oracle-hunt: $(BUILD)/tests/conformance  ## COUNT=200 random cases from SEED=1 on with Kafka Streams and with us
	$(Q)BUILD=$(BUILD) tests/oracle/oracle hunt $(or $(SEED),1) $(or $(COUNT),200) \
	    $(BUILD)/tests/conformance $(BUILD)/oracle/differences

sim: $(BUILD)/tests/sim  ## simulate rebalances and failures; SEEDS=n: so many, SEED=s: that one
	$(Q)$(BUILD)/tests/sim $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

property: $(BUILD)/tests/property  ## random programs against a model; SEEDS=n: so many, SEED=s: that one
	$(Q)$(BUILD)/tests/property $(if $(SEED),--seed $(SEED) -v,--seeds $(SEEDS))

# Everything is built once more, by clang and with its coverage counters; only the program itself is
# linked to libFuzzer's main.
fuzz:  ## libFuzzer over the readers of foreign bytes; SECONDS=60 for all of them, F=name: that one
	$(Q)scripts/bootstrap --install fuzz
	+$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang CXX=clang++ DEBUG=1 \
	    SAN=fuzzer-no-link$(comma)address$(comma)undefined CFLAGS='-O1 -g -DKS_LIBFUZZER' \
	    LDFLAGS=-fsanitize=fuzzer $(BUILD)/fuzz/tests/fuzz
	$(Q)$(ASAN_ENV) $(UBSAN_ENV) scripts/fuzz $(BUILD)/fuzz/tests/fuzz $(or $(SECONDS),60) $(F)

demo: $(BUILD)/examples/model_scoring  ## score real wines with models that change meanwhile
	$(Q)examples/model_scoring/demo.sh $(BUILD)

soak: $(EXAMPLES) $(TEST_PROGRAMS)  ## all cases restarted and killed, KILLS=200 kills, then simulate with new seeds for MINUTES=60
	$(Q)scripts/soak $(BUILD) $(or $(MINUTES),60) $(or $(KILLS),200)

bench: $(BENCHES)  ## measure throughput on the memory and the embedded log
	$(Q)bench/run.sh $(BUILD)

# --- Form -----------------------------------------------------------------------------------------

CHECKS = $(sort $(wildcard tests/project/check_*.sh))

check: test check-project  ## test, and check headers, rooms, symbols, documents and format

check-project: library $(TOOLS)
	$(Q)CC='$(CC)' CXX='$(CXX)' scripts/run-tests --jobs $(JOBS) --build $(BUILD) $(CHECKS)

check-format:  ## check columns, spaces, lengths of functions and files
	$(Q)scripts/check-format

format:  ## remove needless spaces
	$(Q)scripts/check-format --fix

abi: library  ## accept the present public interface into tests/project/abi
	$(Q)scripts/abi $(BUILD)/abi
	$(Q)mkdir -p tests/project/abi
	$(Q)cp $(BUILD)/abi/symbols.txt $(BUILD)/abi/layout.txt tests/project/abi/

# --- Instrumented builds --------------------------------------------------------------------------

# ThreadSanitizer: all but Kafka (tests tagged so, too): librdkafka starts its threads by C11's
# thrd_create(), of which gcc's ThreadSanitizer does not hear; it crashes in them.
TSAN_TESTS     ?= $(filter-out $(BUILD)/tests/log/kafka/%,$(TESTS))
TSAN_SCRIPTS   ?= tests/examples/test_scoring_threads.sh
# Valgrind: what handles bytes, memory and states, without what only takes long.
VALGRIND_ROOMS ?= base serde window lmdb state topology dsl testing
VALGRIND_LONG  ?= state/test_model base/test_map
VALGRIND_TESTS ?= $(filter-out $(VALGRIND_LONG:%=$(BUILD)/tests/%),\
                      $(filter $(VALGRIND_ROOMS:%=$(BUILD)/tests/%/%),$(TESTS)))
VALGRIND_SCRIPTS ?= tests/conformance/test_conformance.sh tests/examples/test_scoring_threads.sh
VALGRIND        = valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,possible \
                  --errors-for-leak-kinds=definite,possible --suppressions=scripts/valgrind.supp
# gcc 12's ThreadSanitizer cannot place its shadow when the kernel randomizes addresses widely.
NO_ASLR        := $(shell setarch -R true 2>/dev/null && echo setarch -R)
ASAN_ENV  = ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1
UBSAN_ENV = UBSAN_OPTIONS=print_stacktrace=1
TSAN_ENV  = TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1:exitcode=66
instrumented = +$(Q)TEST_TIMEOUT=400 $(MAKE) --no-print-directory BUILD=$(BUILD)/$(1) SAN=$(2) CFLAGS='-O1 -g' DEV=$(DEV)

check-debug:  ## the tests with checks that are too slow for release builds (KS_DEBUG)
	+$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/debug DEBUG=1 DEV=$(DEV) TEST_SCRIPTS= test
check-asan:  ## the tests with AddressSanitizer and leak check
	$(call instrumented,asan,address) $(ASAN_ENV) test
check-ubsan:  ## the tests with UndefinedBehaviorSanitizer
	$(call instrumented,ubsan,undefined) $(UBSAN_ENV) test
check-sanitizers:  ## both at once, as .ci/run does
	$(call instrumented,sanitizers,address$(comma)undefined) $(ASAN_ENV) $(UBSAN_ENV) test
check-tsan:  ## the tests of the memory and embedded logs with ThreadSanitizer
	$(call instrumented,tsan,thread) run-tsan
check-valgrind:  ## a core set of the tests under valgrind
	$(Q)scripts/bootstrap --install analysis
	+$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/valgrind run-valgrind

check-kafka: $(BUILD)/tests/kafka  ## the tests on a Kafka broker, which is fetched and started for them
	$(Q)address=$$(scripts/kafka-broker start $(BUILD)/kafka/broker) || exit 1; \
	    KS_TEST_BROKER=$$address TEST_TIMEOUT=300 scripts/run-tests --build $(BUILD) $(BUILD)/tests/kafka; \
	    status=$$?; scripts/kafka-broker stop $(BUILD)/kafka/broker; exit $$status

run-tsan: $(TSAN_TESTS) $(EXAMPLES)
	$(Q)CK_EXCLUDE_TAGS=kafka $(TSAN_ENV) $(NO_ASLR) scripts/run-tests --jobs $(JOBS) --build $(BUILD) \
	    $(TSAN_TESTS) $(TSAN_SCRIPTS)

run-valgrind: $(VALGRIND_TESTS) $(TEST_PROGRAMS) $(EXAMPLES)
	$(Q)CK_FORK=no scripts/run-tests --jobs $(JOBS) --build $(BUILD) --timeout 300 \
	    --wrap '$(VALGRIND)' $(VALGRIND_TESTS) $(VALGRIND_SCRIPTS)

# --- Looking at the code --------------------------------------------------------------------------

coverage:  ## which lines the tests reach, by file
	+$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage CFLAGS='-O0 -g --coverage' \
	    LDFLAGS=--coverage TEST_SCRIPTS= test
	$(Q)scripts/coverage $(BUILD)/coverage

analyze:  ## run clang-tidy over the library
	$(Q)scripts/bootstrap --install lint
	$(Q)printf '%s\n' $(LIB_C) | xargs -P $(JOBS) -n 4 sh -c 'clang-tidy --quiet "$$@" -- \
	    -std=c11 -D_GNU_SOURCE -Iinclude -Ilib $(CORE_CFLAGS)' _

ALL_C = $(LIB_C) $(TEST_C) $(foreach c,$(TEST_C),$(call folder_helpers,$(c))) $(SUPPORT_C) \
        $(foreach d,$(PROGRAM_FOLDERS),$(wildcard $(d)*.c)) $(EXAMPLE_C) \
        $(foreach d,$(EXAMPLE_FOLDERS),$(wildcard $(d)*.c)) $(BENCH_C) $(TOOL_C)
compile_commands.json: FORCE  ## the compiler calls, for editors
	$(file >$(BUILD)/commands.txt)
	$(foreach c,$(sort $(ALL_C)),$(file >>$(BUILD)/commands.txt,$(c) $(CC) $(CPPFLAGS) $(BASE_CFLAGS) \
	    $(call place_cflags,$(c)) $(CFLAGS) -c $(c)))
	$(Q)awk -v folder="$(CURDIR)" 'BEGIN { print "[" } NF { file = $$1; sub(/^[^ ]+ +/, ""); \
	    gsub(/\\/, "\\\\\\\\"); gsub(/"/, "\\\""); \
	    printf "%s{\"directory\":\"%s\",\"file\":\"%s\",\"command\":\"%s\"}", comma, folder, file, $$0; \
	    comma = ",\n" } END { print "\n]" }' $(BUILD)/commands.txt >$@

.PHONY: oracle oracle-hunt conformance sim property fuzz demo soak bench check check-project check-format format abi check-debug check-asan \
        check-ubsan check-sanitizers check-tsan check-valgrind run-tsan run-valgrind coverage analyze
