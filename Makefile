# SPDX-License-Identifier: Apache-2.0
#
# Builds libkstream, its tests, examples and benchmarks. `make help` lists what there is to say.
#
# Sources are found by wildcard, so a new file needs no line here:
#   lib/**.c                      the library, static and shared
#   tests/ROOM/test_NAME.c        a Check program build/tests/ROOM/test_NAME; the other .c files of
#                                 its folder and those of tests/support/ are linked to it, to
#                                 those of tests/examples/ and tests/fuzz/ also the parts of
#                                 examples/NAME/, main.c excepted
#   tests/NAME/*.c                without a test_*.c among them: one program build/tests/NAME
#   tests/preload/*.c             build/tests/preload.so, for LD_PRELOAD
#   examples/NAME.c  .cc  NAME/   a program build/examples/NAME from the file or the folder
#   bench/NAME.c                  a program build/bench/NAME
#   tools/NAME.c                  a program build/tools/NAME, run by the build itself
#
# The only output folder is $(BUILD). $(BUILD)/deps/*.mk hold the compiler flags of the packages;
# they are made by scripts/bootstrap, after which make reads itself again.

BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=
V      ?= 0
DEV    ?= 0
JOBS   ?= 2

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

ifeq ($(origin CC),default)
CC = gcc
endif
ifeq ($(origin CXX),default)
CXX = g++
endif

Q   = $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '%-5s %s\n' $(1) $(2))

include scripts/packages.mk
include scripts/flags.mk

# --- Library ------------------------------------------------------------------------------------

VERSION := $(shell scripts/version)
SOVERSION = $(firstword $(subst ., ,$(VERSION)))

HEADERS  := $(wildcard include/kstream/*.h include/kstream/*/*.h)
LIB_C    := $(shell find lib -name '*.c' 2>/dev/null | sort)
LIB_O    := $(LIB_C:%.c=$(BUILD)/obj/%.o)
STATIC    = $(BUILD)/libkstream.a
SHARED    = $(BUILD)/libkstream.so.$(VERSION)

all: library  ## the static and the shared library (the default)

library: $(STATIC) $(if $(LIB_C),$(SHARED))

$(STATIC): $(LIB_O) $(BUILD)/lib.list
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $(LIB_O)

# Only what a public header declares with KS_API leaves the shared library.
$(BUILD)/kstream.map: $(HEADERS) scripts/public-symbols
	$(Q)mkdir -p $(@D)
	$(Q)scripts/public-symbols --map $(SOVERSION) $(HEADERS) >$@

$(SHARED): $(LIB_O) $(BUILD)/kstream.map $(BUILD)/lib.list
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,libkstream.so.$(SOVERSION) \
	    -Wl,--version-script=$(BUILD)/kstream.map $(SHARED_DEFS) \
	    $(LDFLAGS) -o $@ $(LIB_O) $(LIBS)
	$(Q)ln -sf $(@F) $(BUILD)/libkstream.so.$(SOVERSION)
	$(Q)ln -sf libkstream.so.$(SOVERSION) $(BUILD)/libkstream.so

# While the runtime is not there yet, the shared library may miss symbols of it.
SHARED_DEFS = $(if $(wildcard lib/runtime/app.c),$(if $(SAN),,-Wl$(comma)-z$(comma)defs))
comma := ,

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d -c -o $@ $<

$(BUILD)/obj/%.oxx: %.cc $(BUILD)/flags
	$(call say,CXX,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(ALL_CXXFLAGS) -MMD -MP -MF $@.d -c -o $@ $<

# --- Programs -----------------------------------------------------------------------------------

# $(call program,PROGRAM,OBJECTS,LIBRARIES): one rule to link it.
define program
$(1): $(2) $(STATIC)
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) \
	    -Wl,--as-needed $(3) $$(LIBS)
endef
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

EXAMPLE_C       := $(wildcard examples/*.c)
EXAMPLE_FOLDERS := $(sort $(dir $(wildcard examples/*/*.c)))

TEST_C        := $(shell find tests -name 'test_*.c' 2>/dev/null | sort)
TEST_FOLDERS  := $(sort $(dir $(TEST_C)))
SUPPORT_C     := $(wildcard tests/support/*.c)
TESTS         := $(TEST_C:%.c=$(BUILD)/%)
folder_helpers = $(filter-out $(TEST_C),$(wildcard $(dir $(1))*.c))
EXAMPLE_PARTS  = $(BUILD)/obj/examples/parts.a
example_parts  = $(if $(filter tests/examples/% tests/fuzz/%,$(1)),$(EXAMPLE_PARTS))
$(foreach c,$(TEST_C),$(eval $(call program,$(c:%.c=$(BUILD)/%),\
    $(call objects,$(c) $(call folder_helpers,$(c)) $(SUPPORT_C)) $(call example_parts,$(c)),\
    $$(TEST_LIBS))))

$(EXAMPLE_PARTS): $(call objects,$(filter-out %/main.c,$(wildcard examples/*/*.c)))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

PROGRAM_FOLDERS := $(filter-out tests/support/ tests/preload/ $(TEST_FOLDERS),\
                       $(sort $(dir $(wildcard tests/*/*.c))))
TEST_PROGRAMS   := $(PROGRAM_FOLDERS:%/=$(BUILD)/%)
$(foreach d,$(PROGRAM_FOLDERS),$(eval $(call program,$(d:%/=$(BUILD)/%),\
    $(call objects,$(wildcard $(d)*.c) $(SUPPORT_C)) $(call example_parts,$(d)),$$(TEST_LIBS))))

PRELOAD = $(BUILD)/tests/preload.so
$(PRELOAD): $(call objects,$(wildcard tests/preload/*.c))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -shared $(LDFLAGS) -o $@ $^ -ldl

EXAMPLES        := $(EXAMPLE_C:%.c=$(BUILD)/%) $(EXAMPLE_FOLDERS:%/=$(BUILD)/%)
$(foreach c,$(EXAMPLE_C),$(eval $(call program,$(c:%.c=$(BUILD)/%),$(call objects,$(c)),)))
$(foreach d,$(EXAMPLE_FOLDERS),$(eval $(call program,$(d:%/=$(BUILD)/%),\
    $(call objects,$(wildcard $(d)*.c)),$$(EXAMPLE_LIBS))))

EXAMPLE_CC := $(wildcard examples/*.cc)
EXAMPLES   += $(EXAMPLE_CC:%.cc=$(BUILD)/%_cc)
$(EXAMPLE_CC:%.cc=$(BUILD)/%_cc): $(BUILD)/examples/%_cc: $(BUILD)/obj/examples/%.oxx $(STATIC)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $< $(STATIC) $(LIBS)

BENCH_C := $(wildcard bench/*.c)
BENCHES := $(BENCH_C:%.c=$(BUILD)/%)
$(foreach c,$(BENCH_C),$(eval $(call program,$(c:%.c=$(BUILD)/%),$(call objects,$(c)),)))

TOOL_C := $(wildcard tools/*.c)
TOOLS  := $(TOOL_C:%.c=$(BUILD)/%)
$(foreach c,$(TOOL_C),$(eval $(call program,$(c:%.c=$(BUILD)/%),$(call objects,$(c)),)))

examples: $(EXAMPLES)  ## the example programs, in build/examples
tools: $(TOOLS)
programs: $(TEST_PROGRAMS) $(PRELOAD)

# --- Run ----------------------------------------------------------------------------------------

# T=dsl/filter is tests/dsl/test_filter.c, T=dsl the whole folder; without T everything runs.
RUN_TESTS = $(if $(T),$(filter $(BUILD)/tests/$(dir $(T))test_$(notdir $(T)) \
                               $(BUILD)/tests/$(T)/%,$(TESTS)),$(TESTS))

# Scripts run the programs of this build; those of tests/project/ are about what is installed, so
# they need a plain one, and a sanitizer wants to be loaded before anything that is preloaded.
TEST_SCRIPTS := $(filter-out $(if $(SAN),tests/project/% tests/beneath/%),\
                             $(shell find tests -name 'test_*.sh' 2>/dev/null | sort))
RUN_SCRIPTS   = $(if $(T),$(filter tests/$(dir $(T))test_$(notdir $(T)).sh tests/$(T)/%,\
                                   $(TEST_SCRIPTS)),$(TEST_SCRIPTS))
SCRIPT_NEEDS  = $(if $(RUN_SCRIPTS),$(EXAMPLES) $(TEST_PROGRAMS) $(PRELOAD) $(TOOLS))

test: library $(RUN_TESTS) $(SCRIPT_NEEDS)  ## run the tests; T=dsl/filter: one of them, T=dsl: one room
	$(Q)CC='$(CC)' CXX='$(CXX)' scripts/run-tests --jobs $(JOBS) --build $(BUILD) \
	    $(RUN_TESTS) $(RUN_SCRIPTS)

include scripts/checks.mk
include scripts/install.mk

clean:  ## remove what was built
	rm -rf $(BUILD)

help:  ## this list
	@awk -F ':.*## ' '/^[a-z_.-]+:.*## / { printf "make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Rewritten only when its text changes, so that another flag or a removed file rebuilds.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D); echo '$(FLAGS_TEXT)' | cmp -s - $@ || echo '$(FLAGS_TEXT)' >$@

$(BUILD)/lib.list: FORCE
	@mkdir -p $(@D); echo '$(LIB_C)' | cmp -s - $@ || echo '$(LIB_C)' >$@

FORCE:
.PHONY: all library examples tools programs test clean help FORCE
.SECONDARY:

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
