# SPDX-License-Identifier: BSD-2-Clause-Patent
#
#| Bulkhead: an IOMMU driver for bare metal.
#|
#|   make run      build the image and boot it in QEMU; succeeds when its verdict is "pass"
#|   make check    everything that must hold: host tests, fuzz targets (20 s each), layout, lint,
#|                 image tests
#|   make host     build only the host tests (build/host/) and build/host/acpi-decode, which
#|                 prints the DMAR or IVRS in a file as JSON
#|   make image    build/release/: bulkhead.iso, which boots as a USB stick, a disk and a CD;
#|                 bulkhead.efi alone; SHA256SUMS
#|   make flash    write bulkhead.iso to the USB stick DEV=/dev/..., after many checks
#|   make qemus    unpack newer QEMUs, and the firmware of Debian 12 and 13, below build/
#|   make bench    the benchmarks: a table, and build/bench/bench.json
#|   make fuzz     the fuzz targets for longer; finds are kept in build/fuzz/finds/
#|   make coverage lines and branches of drivers/iommu/ and drivers/acpi/ that the host tests reach
#|   make mutants  the tests, tested: faults put into the driver, by name and by chance
#|   make lint     format, static checks and a second build with clang
#|   make format   put the C files into the form that lint asks for
#|   make clean    remove what was built, but keep the C library and what make qemus unpacked
#|   make help     this text
#|
#| Variables of run and check:
#|   IOMMU=intel         intel, amd or none
#|   IOMMU_OPTS=         appended to QEMU's IOMMU device
#|   QEMU=               another QEMU than Debian's
#|   DISK=               a raw file for the disk that is read (never written to)
#|   QEMU_ARGS=          more arguments for QEMU
#|   TESTS=default       default or all
#|   TIMEOUT=            seconds until a silent run is ended; default 60 and more for a large disk
#|
#| Variables of fuzz and coverage:
#|   FUZZ_SECONDS=600    for each target
#|   COVERAGE_ARGS=      --missing names what is not reached
#| Variables of mutants:
#|   SEED=1              another choice of the faults that come by chance
#|
#| Variables of image and flash:
#|   SIGN_KEY= SIGN_CERT=  sign for Secure Boot (PEM files); the results are in build/signed/
#|   SOURCE_DATE_EPOCH=  the time of all files, in seconds since 1970, instead of the commit's
#|   DEV=                what boot/flash writes to; FLASH_ARGS= more arguments for it
#| Variables of the build:
#|   CC=gcc              gcc or clang, for the image
#|   HOSTCC=gcc          for the host tests
#|   WERROR=-Werror      WERROR= lets warnings pass
#|   JOBS=               how many commands run at once, instead of one for each processor
#|   V=                  V=1 shows the commands
#|
#| Missing Debian packages (boot/packages.txt) are installed first: as root, or through sudo.

MAKEFLAGS += --no-builtin-rules
JOBS ?= $(shell nproc)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := help
.PHONY: run check host image flash qemus bench fuzz mutants coverage lint format clean help FORCE

B := build
O := $(B)/image
H := $(B)/host
goals := $(or $(MAKECMDGOALS),help)

ifeq ($(origin CC),default)
CC := gcc
endif
HOSTCC ?= gcc
WERROR ?= -Werror
IOMMU ?= intel
IOMMU_OPTS ?=
QEMU ?=
DISK ?=
QEMU_ARGS ?=
TESTS ?= default
SEED ?= 1
export IOMMU IOMMU_OPTS QEMU DISK QEMU_ARGS TESTS
export BULKHEAD_EFI := $(B)/bulkhead.efi

# $(call step,WORD,what) begins a recipe line: one line of output instead of the command.
step = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)';)

# Set-up. make reads what setup.sh found, and starts over when that has changed.
ifneq ($(filter-out help clean qemus,$(goals)),)
include $(B)/setup.mk
endif
$(B)/setup.mk: FORCE
	@boot/setup.sh $@ run \
		$(if $(filter check bench fuzz coverage host mutants lint format,$(goals))$(filter clang%,$(CC)),check) \
		$(if $(filter check bench,$(goals)),bench) \
		$(if $(SIGN_KEY)$(SIGN_CERT)$(filter check,$(goals)),sign)

NEWLIB := $(B)/newlib/$(NEWLIB_KEY)
$(NEWLIB)/lib/libc.a:
	$(call step,NEWLIB,$(NEWLIB))lib/newlib.sh build $(NEWLIB)

# Writes $@ only when its text $(1) is another one.
define write_if_changed
@mkdir -p $(@D)
@echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
endef

VERSION := $(or $(shell git describe --always --dirty --tags 2>/dev/null),unknown)
$(B)/generated/version.h: FORCE
	$(call write_if_changed,#define BULKHEAD_VERSION "$(VERSION)")

SPLEEN := /usr/share/consolefonts/spleen-8x16.psfu.gz
$(B)/generated/font.c: $(SPLEEN) drivers/console/font.py
	$(call step,FONT,$@)python3 drivers/console/font.py $(SPLEEN) $@

#
# The image.
#
WARNINGS := -Wall -Wextra -Wconversion -Wshadow $(WERROR)
IMAGE_SOURCES := $(wildcard boot/*.c arch/x86_64/*.[cS] lib/*.c drivers/*/*.c drivers/iommu/*/*.c \
	tests/api/*.c tests/image/*.c tests/bench/image/suite.c)
IMAGE_OBJECTS := $(patsubst %,$(O)/%.o,$(basename $(IMAGE_SOURCES)) font)
image_flags = -std=c17 -O2 -g -ffreestanding -fPIC -fshort-wchar -mno-red-zone \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
	-fvisibility=hidden -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=. \
	$(WARNINGS) -nostdinc -isystem $(NEWLIB)/include -isystem $(shell $(1) -print-file-name=include) \
	-I. -Iinclude -Iarch/x86_64 -I$(B)/generated
IMAGE_FLAGS := $(call image_flags,$(CC))

# Interrupt code runs on the state of whatever it interrupted.
$(O)/arch/x86_64/trap_%.o: OWN_FLAGS := -mgeneral-regs-only
EFI_STAGE := $(basename $(wildcard boot/efi*.c))
$(EFI_STAGE:%=$(O)/%.o) $(EFI_STAGE:%=$(B)/lint/%.tidy): OWN_FLAGS = -DGNU_EFI_USE_MS_ABI \
	-isystem $(GNU_EFI_INCLUDE) -isystem $(GNU_EFI_INCLUDE)/x86_64

$(O)/flags: FORCE
	$(call write_if_changed,$(CC) $(IMAGE_FLAGS))

$(O)/%.o: %.c $(O)/flags | $(NEWLIB)/lib/libc.a $(B)/generated/version.h
	@mkdir -p $(@D)
	$(call step,CC,$@)$(CC) $(IMAGE_FLAGS) $(OWN_FLAGS) -MMD -MP -c $< -o $@

$(O)/font.o: $(B)/generated/font.c $(O)/flags | $(NEWLIB)/lib/libc.a
	$(call step,CC,$@)$(CC) $(IMAGE_FLAGS) -MMD -MP -c $< -o $@

$(O)/%.o: %.S $(O)/flags | $(NEWLIB)/lib/libc.a
	@mkdir -p $(@D)
	$(call step,AS,$@)$(CC) $(IMAGE_FLAGS) -MMD -MP -c $< -o $@

# $(call link_image,more): all objects of the image, and more, to $@.
link_image = ld -pie --no-dynamic-linker -T linker/image.lds --gc-sections \
	--build-id=sha1 -z noexecstack -z text -z norelro -z max-page-size=4096 \
	--fatal-warnings $(GNU_EFI_CRT0) $(IMAGE_OBJECTS) $(1) $(GNU_EFI_LIBRARY) \
	$(NEWLIB)/lib/libc.a -o $@

$(O)/bulkhead.elf: $(IMAGE_OBJECTS) linker/image.lds $(NEWLIB)/lib/libc.a
	$(call step,LD,$@)$(call link_image)

$(O)/bulkhead.efi: $(O)/bulkhead.elf linker/pe.py
	$(call step,PE,$@)python3 linker/pe.py make $< $@

$(B)/bulkhead.efi: $(O)/bulkhead.efi
	@cp $< $@

# What is given away. boot/mkimage makes the files that SHA256SUMS names.
R := $(B)/$(if $(SIGN_KEY)$(SIGN_CERT),signed,release)
SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),1735689600)
FACTS := $(B)/generated/$(notdir $(R)).facts
$(FACTS): FORCE
	$(call write_if_changed,$(VERSION) $(SOURCE_DATE_EPOCH) $(SIGN_KEY) $(SIGN_CERT))

$(R)/SHA256SUMS: $(B)/bulkhead.efi boot/bulkhead.conf boot/mkimage LICENSE $(FACTS) \
		$(SIGN_KEY) $(SIGN_CERT)
	$(call step,ISO,$(R)/bulkhead.iso)SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) SIGN_KEY="$(SIGN_KEY)" \
		SIGN_CERT="$(SIGN_CERT)" boot/mkimage $< boot/bulkhead.conf "$(VERSION)" $(R)

image: $(R)/SHA256SUMS

flash: image
	$(if $(DEV),,$(error DEV= names the USB stick to write to; boot/flash list shows them))
	@boot/flash write $(DEV) --image $(R)/bulkhead.iso $(FLASH_ARGS)

qemus:
	@python3 tests/qemu/unpack.py

run: $(B)/bulkhead.efi
	@python3 tests/qemu/run.py

#
# The host tests: the same sources, with tests/model in the place of arch/x86_64.
#
COMMON_FLAGS := -std=c17 -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all $(WARNINGS) \
	-I. -Iinclude -Itests/model
HOST_FLAGS := $(COMMON_FLAGS) -fsanitize=address,undefined
HOST_SOURCES := $(filter-out lib/newlib.c,$(wildcard lib/*.c)) boot/options.c \
	boot/option_rules.c boot/memory_map.c \
	$(wildcard drivers/acpi/*.c drivers/pci/*.c drivers/console/*.c drivers/iommu/*/*.c \
	tests/api/*.c tests/model/*.c)
HOST_OBJECTS := $(HOST_SOURCES:%.c=$(H)/obj/%.o)
DRIVER_TESTS := $(patsubst tests/host/%.c,$(H)/%,$(wildcard tests/host/driver_*.c))
# These are built once more, without sanitizers, and then do far more.
PLAIN_TESTS := $(H)/plain_api_random $(H)/plain_api_sequences
# This is built without them alone.
EXPLORE_TESTS := $(H)/plain_explore
RACE_TESTS := $(patsubst tests/host/%.c,$(H)/%,$(wildcard tests/host/race_*.c))
# These run on a unit of each vendor. NAME-amdvi is built from the source of NAME.
UNIT_TESTS := $(EXPLORE_TESTS) $(H)/plain_api_random $(addprefix $(H)/race_, core wdm) $(addprefix $(H)/test_, \
	capabilities core describe walk domains mapping reserve pool wdm_devices wdm_domains wdm_maps \
	api api_failures api_random api_sequences api_sweep)
HOST_TESTS := $(PLAIN_TESTS) $(EXPLORE_TESTS) $(RACE_TESTS) $(UNIT_TESTS:%=%-amdvi) \
	$(patsubst tests/host/%.c,$(H)/%,$(wildcard tests/host/test_*.c)) $(DRIVER_TESTS)

$(H)/flags: FORCE
	$(call write_if_changed,$(HOSTCC) $(HOST_FLAGS))

%-amdvi.o: UNIT_FLAGS := -DUNIT_AMDVI
# $(call compile_host,flags)
define compile_host
@mkdir -p $(@D)
$(call step,HOSTCC,$@)$(HOSTCC) $(1) $(OWN_FLAGS) $(UNIT_FLAGS) -MMD -MP -c $< -o $@
endef

$(H)/obj/tests/%.o: OWN_FLAGS := -D_DEFAULT_SOURCE
$(H)/obj/%.o: %.c $(H)/flags
	$(call compile_host,$(HOST_FLAGS))
$(H)/obj/%-amdvi.o: %.c $(H)/flags
	$(call compile_host,$(HOST_FLAGS))

$(H)/external/%.o: %.c $(H)/flags
	@mkdir -p $(@D)
	$(call step,HOSTCC,$@)$(HOSTCC) $(HOST_FLAGS) -DDRIVER_IO_EXTERNAL -MMD -MP -c $< -o $@

$(H)/libhosttest.a: $(HOST_OBJECTS)
	@rm -f $@
	$(call step,AR,$@)ar rc $@ $^

# It asks a model of a terminal what is on the screen.
$(addsuffix /test_line,$(H) $(B)/coverage $(B)/mutants): OWN_LIBRARIES := -lvterm

$(H)/test_%: $(H)/obj/tests/host/test_%.o $(H)/libhosttest.a
	$(call step,HOSTLD,$@)$(HOSTCC) $(HOST_FLAGS) $^ -lcmocka $(OWN_LIBRARIES) -o $@

# Several threads in the same sources.
RACE_FLAGS := $(COMMON_FLAGS) -fsanitize=thread -pthread -D_DEFAULT_SOURCE
RACE_OBJECTS := $(patsubst %.c,$(H)/race/%.o,$(filter-out boot/% drivers/console/%,$(HOST_SOURCES)))

$(H)/race/%.o: %.c $(H)/flags
	$(call compile_host,$(RACE_FLAGS))
$(H)/race/%-amdvi.o: %.c $(H)/flags
	$(call compile_host,$(RACE_FLAGS))

$(H)/race_%: $(H)/race/tests/host/race_%.o $(RACE_OBJECTS)
	$(call step,HOSTLD,$@)$(HOSTCC) $(RACE_FLAGS) $^ -lcmocka -o $@

$(H)/acpi-decode: $(H)/obj/tests/host/acpi_decode.o $(H)/libhosttest.a
	$(call step,HOSTLD,$@)$(HOSTCC) $(HOST_FLAGS) $^ -o $@

# A driver of the image alone, with a test in the place of everything that it is handed.
define driver_test
$(H)/driver_$(1): $(patsubst %.c,$(H)/external/%.o,$(wildcard drivers/$(1)/*.c) \
	tests/host/driver_$(1).c)
	$$(call step,HOSTLD,$$@)$$(HOSTCC) $$(HOST_FLAGS) $$^ -lcmocka -o $$@
endef
$(foreach test,$(DRIVER_TESTS),$(eval $(call driver_test,$(test:$(H)/driver_%=%))))

# The page-table engine as the image has it, for measuring: tests/bench/bulkhead_pt.h.
ENGINE_FLAGS := -std=c17 -O2 -g -D_DEFAULT_SOURCE $(WARNINGS) -I. -Iinclude -Iarch/x86_64
ENGINE_SOURCES := $(wildcard drivers/iommu/paging/*.c) tests/bench/bh_pt.c lib/lock.c
ENGINE_OBJECTS := $(ENGINE_SOURCES:%.c=$(H)/engine/%.o)

$(H)/engine/flags: FORCE
	$(call write_if_changed,$(HOSTCC) $(ENGINE_FLAGS))

$(H)/engine/%.o: %.c $(H)/engine/flags
	@mkdir -p $(@D)
	$(call step,HOSTCC,$@)$(HOSTCC) $(ENGINE_FLAGS) -MMD -MP -c $< -o $@

$(H)/libbulkhead.a: $(ENGINE_OBJECTS)
	@rm -f $@
	$(call step,AR,$@)ar rc $@ $^

$(B)/bench/pt_bench $(B)/bench/scaling_bench: $(B)/bench/%: $(H)/engine/tests/bench/%.o \
		$(H)/libbulkhead.a
	@mkdir -p $(@D)
	$(call step,HOSTLD,$@)$(HOSTCC) $(ENGINE_FLAGS) $^ -o $@

host: $(HOST_TESTS) $(H)/acpi-decode $(H)/libbulkhead.a

#
# Coverage: the host tests again, for gcov.
#
COVER := $(B)/coverage
COVER_FLAGS := $(filter-out -O1,$(COMMON_FLAGS)) -O0 --coverage
COVER_TESTS := $(patsubst tests/host/%.c,$(COVER)/%,$(wildcard tests/host/test_*.c)) \
	$(patsubst $(H)/%,$(COVER)/%-amdvi,$(filter $(H)/test_%,$(UNIT_TESTS)))

$(COVER)/flags: FORCE
	$(call write_if_changed,gcc $(COVER_FLAGS))

$(COVER)/obj/tests/%.o: OWN_FLAGS := -D_DEFAULT_SOURCE
# As many sequences as with sanitizers.
$(COVER)/obj/tests/host/%.o: OWN_FLAGS := -D_DEFAULT_SOURCE -DMODEL_ASAN=1
define compile_cover
@mkdir -p $(@D)
$(call step,COVERCC,$@)gcc $(COVER_FLAGS) $(OWN_FLAGS) $(UNIT_FLAGS) -MMD -MP -c $< -o $@
endef
$(COVER)/obj/%.o: %.c $(COVER)/flags
	$(compile_cover)
$(COVER)/obj/%-amdvi.o: %.c $(COVER)/flags
	$(compile_cover)

$(COVER)/libhosttest.a: $(HOST_SOURCES:%.c=$(COVER)/obj/%.o)
	@rm -f $@
	$(call step,AR,$@)ar rc $@ $^

$(COVER_TESTS): $(COVER)/test_%: $(COVER)/obj/tests/host/test_%.o $(COVER)/libhosttest.a
	$(call step,COVERLD,$@)gcc --coverage $^ -lcmocka $(OWN_LIBRARIES) -o $@

coverage: $(COVER_TESTS)
	@python3 tests/coverage.py --jobs $(JOBS) $(COVERAGE_ARGS) $(COVER)/obj/drivers $(COVER_TESTS)

#
# Mutants: the host tests again, without sanitizers.
#
MUTANTS := $(B)/mutants
MUTANT_FLAGS := $(filter-out -g,$(COMMON_FLAGS))
MUTANT_TESTS := $(COVER_TESTS:$(COVER)/%=$(MUTANTS)/%)

$(MUTANTS)/flags: FORCE
	$(call write_if_changed,$(HOSTCC) $(MUTANT_FLAGS))

$(MUTANTS)/obj/tests/%.o: OWN_FLAGS := -D_DEFAULT_SOURCE
# As many sequences as with sanitizers, and a fifth of what is done very often.
$(MUTANTS)/obj/tests/host/%.o: OWN_FLAGS := -D_DEFAULT_SOURCE -DMODEL_ASAN=1 -DEVERY=5u
$(MUTANTS)/obj/%.o: %.c $(MUTANTS)/flags
	$(call compile_host,$(MUTANT_FLAGS))
$(MUTANTS)/obj/%-amdvi.o: %.c $(MUTANTS)/flags
	$(call compile_host,$(MUTANT_FLAGS))

$(MUTANTS)/libhosttest.a: $(HOST_SOURCES:%.c=$(MUTANTS)/obj/%.o)
	@rm -f $@
	$(call step,AR,$@)ar rc $@ $^

$(MUTANT_TESTS): $(MUTANTS)/test_%: $(MUTANTS)/obj/tests/host/test_%.o $(MUTANTS)/libhosttest.a
	$(call step,HOSTLD,$@)$(HOSTCC) $(MUTANT_FLAGS) $^ -lcmocka $(OWN_LIBRARIES) -o $@

mutants: host $(MUTANT_TESTS)
	@python3 tests/mutants/mutants.py --jobs $(JOBS) --seed $(SEED)

#
# Fuzz targets: the same sources again, with clang and its libFuzzer.
#
FUZZ := $(B)/fuzz
FUZZ_SECONDS ?= 600
FUZZ_FLAGS := $(COMMON_FLAGS) -D_DEFAULT_SOURCE
FUZZ_SANITIZERS := address,undefined
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ)/obj/%.o,tests/fuzz/fuzz.c \
	$(filter-out boot/% drivers/console/% tests/api/%,$(HOST_SOURCES)))
# api is built once more, for the other vendor's unit.
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,$(FUZZ)/%,$(wildcard tests/fuzz/fuzz_*.c)) \
	$(FUZZ)/api-amdvi

$(FUZZ)/flags: FORCE
	$(call write_if_changed,clang $(FUZZ_FLAGS) $(FUZZ_SANITIZERS))

# New code is looked for in the driver alone.
$(FUZZ)/obj/drivers/%.o: OWN_FLAGS := -fsanitize=fuzzer-no-link
define compile_fuzz
@mkdir -p $(@D)
$(call step,FUZZCC,$@)clang $(FUZZ_FLAGS) -fsanitize=$(FUZZ_SANITIZERS) $(OWN_FLAGS) \
	$(UNIT_FLAGS) -MMD -MP -c $< -o $@
endef
$(FUZZ)/obj/%.o: %.c $(FUZZ)/flags
	$(compile_fuzz)
$(FUZZ)/obj/%-amdvi.o: %.c $(FUZZ)/flags
	$(compile_fuzz)

$(FUZZ)/libfuzztest.a: $(FUZZ_OBJECTS)
	@rm -f $@
	$(call step,AR,$@)ar rc $@ $^

# Targets of units share a frame.
$(FUZZ)/vtd $(FUZZ)/amdvi: $(FUZZ)/obj/tests/fuzz/hostile.o
$(FUZZ)/line: $(addprefix $(FUZZ)/obj/drivers/console/,key.o line.o shell.o shell_words.o)
$(FUZZ)/api $(FUZZ)/api-amdvi: OWN_LIBRARIES := -lcmocka
$(FUZZ_TARGETS): $(FUZZ)/%: $(FUZZ)/obj/tests/fuzz/fuzz_%.o $(FUZZ)/libfuzztest.a
	$(call step,FUZZLD,$@)clang -fsanitize=fuzzer,$(FUZZ_SANITIZERS) $(filter %.o,$^) \
		$(FUZZ)/libfuzztest.a $(OWN_LIBRARIES) -o $@

fuzz: $(FUZZ_TARGETS)
	@python3 tests/fuzz/fuzz.py --seconds $(FUZZ_SECONDS) --jobs $(JOBS) --keep \
		$(FUZZ_TARGETS)

#
# Checks.
#
C_FILES := $(wildcard boot/*.[ch] arch/*.h arch/x86_64/*.[ch] lib/*.[ch] include/*.h \
	drivers/*/*.[ch] drivers/iommu/*/*.[ch] tests/*/*.[ch] tests/bench/image/*.[ch])
FORMAT_RELEASE := 14
TIDY := $(patsubst %.c,$(B)/lint/%.tidy,$(filter %.c,$(IMAGE_SOURCES)))

$(B)/lint/%.tidy: %.c .clang-tidy $(O)/%.o
	@mkdir -p $(@D)
	$(call step,TIDY,$<)clang-tidy --quiet $< -- $(call image_flags,clang) $(OWN_FLAGS) \
		2>/dev/null && touch $@

lint: $(TIDY)
	$(call step,FORMAT,)if clang-format --version | grep -q 'version $(FORMAT_RELEASE)[.]'; then \
		clang-format --dry-run -Werror $(C_FILES); \
	else echo '          left out: the form is that of clang-format $(FORMAT_RELEASE)'; fi
	$(call step,CPPCHECK,)cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
		--enable=warning,portability --suppress=ctunullpointer --suppress=ctuuninitvar \
		--suppress=normalCheckLevelMaxBranches -I. -Iinclude $(filter %.c,$(IMAGE_SOURCES))
	$(call step,TEST,linker/pe.py)python3 linker/pe_test.py --quiet
	@$(MAKE) --no-print-directory CC=clang O=$(B)/clang $(B)/clang/bulkhead.efi

format:
	clang-format -i $(C_FILES)

#
# Benchmarks. The base is the same image with protection taken out: what calls the two wrapped
# functions gets tests/bench/image/base.c instead.
#
BENCH := $(B)/bench
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$(BENCH)/%,$(wildcard tests/bench/*_bench.c)) \
	$(BENCH)/invalidation_bench-amdvi
BENCH_PLUGINS := $(BENCH)/plugin-1.so $(BENCH)/plugin-4.so $(BENCH)/plugin-7.so
BENCH_FLAGS := -std=c17 -O2 -g -fno-strict-aliasing $(WARNINGS) -I. -Iinclude -Itests/model \
	-D_DEFAULT_SOURCE

$(BENCH)/plugin-%.so: tests/bench/plugin.c Makefile
	@mkdir -p $(@D)
	$(call step,HOSTCC,$@)$(HOSTCC) -std=c17 -O2 -fPIC -shared -fvisibility=hidden $(WARNINGS) \
		-DPLUGIN_API=$* $< -o $@

$(BENCH)/obj/%.o: %.c
	$(call compile_host,$(BENCH_FLAGS))
$(BENCH)/obj/%-amdvi.o: %.c
	$(call compile_host,$(BENCH_FLAGS))

$(BENCH)/libbulkhead.a: $(HOST_SOURCES:%.c=$(BENCH)/obj/%.o)
	@rm -f $@
	$(call step,AR,$@)ar rc $@ $^

$(BENCH)/invalidation_%: OWN_LIBRARIES := -lcmocka
$(addprefix $(BENCH)/,allocator_bench invalidation_bench invalidation_bench-amdvi): \
		$(BENCH)/%: $(BENCH)/obj/tests/bench/%.o $(BENCH)/libbulkhead.a
	$(call step,HOSTLD,$@)$(HOSTCC) $(BENCH_FLAGS) $^ $(OWN_LIBRARIES) -o $@

$(PLAIN_TESTS) $(H)/plain_api_random-amdvi: $(H)/plain_%: \
		$(BENCH)/obj/tests/host/test_%.o $(BENCH)/libbulkhead.a
	@mkdir -p $(@D)
	$(call step,HOSTLD,$@)$(HOSTCC) $(BENCH_FLAGS) $^ -lcmocka -o $@

$(EXPLORE_TESTS) $(EXPLORE_TESTS:%=%-amdvi): $(H)/%: \
		$(BENCH)/obj/tests/host/%.o $(BENCH)/libbulkhead.a
	@mkdir -p $(@D)
	$(call step,HOSTLD,$@)$(HOSTCC) $(BENCH_FLAGS) $^ -lcmocka -o $@

$(BENCH)/base.elf: $(IMAGE_OBJECTS) $(O)/tests/bench/image/base.o linker/image.lds
	@mkdir -p $(@D)
	$(call step,LD,$@)$(call link_image,$(O)/tests/bench/image/base.o \
		--wrap=IoGetIommuInterfaceEx --wrap=iommu_enable --wrap=iommu_covered)

$(BENCH)/base.efi: $(BENCH)/base.elf linker/pe.py
	$(call step,PE,$@)python3 linker/pe.py make $< $@

bench: $(B)/bulkhead.efi $(BENCH)/base.efi $(BENCH_PLUGINS) $(BENCH_PROGRAMS)
	@python3 tests/bench/bench.py $(BENCH_PROGRAMS)

check: $(B)/bulkhead.efi $(BENCH)/base.efi $(BENCH_PLUGINS) $(BENCH_PROGRAMS) $(FUZZ_TARGETS) \
		image host lint
	@python3 tests/qemu/check.py $(HOST_TESTS) --fuzz $(FUZZ_TARGETS)

clean:
	rm -rf $(filter-out $(B)/newlib $(B)/qemu $(B)/firmware,$(wildcard $(B)/*))

help:
	@sed -n 's/^#| \{0,1\}//p' Makefile

-include $(IMAGE_OBJECTS:.o=.d) $(O)/tests/bench/image/base.d $(wildcard $(BENCH)/obj/*.d \
	$(BENCH)/obj/*/*.d $(BENCH)/obj/*/*/*.d $(BENCH)/obj/*/*/*/*.d) $(HOST_OBJECTS:.o=.d) \
	$(HOST_SOURCES:%.c=$(COVER)/obj/%.d) \
	$(COVER_TESTS:$(COVER)/%=$(COVER)/obj/tests/host/%.d) \
	$(HOST_SOURCES:%.c=$(MUTANTS)/obj/%.d) \
	$(MUTANT_TESTS:$(MUTANTS)/%=$(MUTANTS)/obj/tests/host/%.d) \
	$(FUZZ_OBJECTS:.o=.d) $(FUZZ)/obj/tests/fuzz/hostile.d \
	$(FUZZ_TARGETS:$(FUZZ)/%=$(FUZZ)/obj/tests/fuzz/fuzz_%.d) \
	$(ENGINE_OBJECTS:.o=.d) $(wildcard $(H)/engine/tests/bench/*_bench.d) \
	$(wildcard $(H)/external/*/*/*.d) \
	$(patsubst %,$(H)/obj/tests/host/%.d,$(notdir $(HOST_TESTS)) acpi_decode) \
	$(RACE_OBJECTS:.o=.d) $(wildcard $(H)/race/tests/host/race_*.d)
