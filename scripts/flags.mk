# SPDX-License-Identifier: Apache-2.0
#
# Compiler and linker flags. CFLAGS and LDFLAGS are the caller's; DEV=1 makes warnings errors and
# adds the long list; SAN=address,undefined instruments everything; DEBUG=1, the default of
# instrumented builds, adds checks that are too slow for each record (KS_DEBUG).

CFLAGS   ?= -O2 -g
CXXFLAGS ?= $(CFLAGS)
SAN      ?=
DEBUG    ?= $(if $(SAN),1,0)

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wpointer-arith -Wcast-qual -Wvla -Wwrite-strings \
           -Wformat=2 -Wundef
C_WARNINGS = -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
ifeq ($(DEV),1)
WARNINGS   += -Werror -Wconversion -Wno-sign-conversion -Wcast-align \
              -Wnull-dereference -Wdouble-promotion -Wimplicit-fallthrough -Wunused
C_WARNINGS += -Wnested-externs
endif

override CPPFLAGS += -Iinclude
ifeq ($(DEBUG),1)
override CPPFLAGS += -DKS_DEBUG
endif
ifneq ($(SAN),)
SAN_FLAGS = -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

# A public program sees what a user sees; the library, its tests and tools also see the rooms.
place_cflags  = $(if $(filter lib/% tools/%,$(1)),-D_GNU_SOURCE -Ilib,\
                $(if $(filter tests/%,$(1)),-D_GNU_SOURCE -Ilib -Itests -Iexamples $(TEST_CFLAGS),\
                    -D_POSIX_C_SOURCE=200809L $(EXAMPLE_CFLAGS)))
BASE_CFLAGS   = -std=c11 -fPIC -fvisibility=hidden -pthread $(WARNINGS) $(C_WARNINGS) $(SAN_FLAGS) \
                $(CORE_CFLAGS)
ALL_CFLAGS    = $(BASE_CFLAGS) $(call place_cflags,$<) $(CFLAGS)
ALL_CXXFLAGS  = -std=c++20 -pthread $(WARNINGS) $(SAN_FLAGS) $(CXXFLAGS)
LIBS          = $(CORE_LIBS) -lm
override LDFLAGS += -pthread $(SAN_FLAGS)

FLAGS_TEXT = $(CC) $(CXX) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) $(ALL_CXXFLAGS) $(LDFLAGS)
