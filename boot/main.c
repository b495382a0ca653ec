/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Bring-up: one list of named steps, from the moment boot services are left to the report.
 */
#include "arch/memory.h"
#include "arch/panic.h"
#include "arch/time.h"
#include "arch/x86_64/x86.h"
#include "boot/boot.h"
#include "boot/ecam.h"
#include "boot/options.h"
#include "boot/panic.h"
#include "boot/shell.h"
#include "boot/snapshot.h"
#include "drivers/acpi/acpi.h"
#include "drivers/console/console.h"
#include "drivers/console/report.h"
#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/vtd/vtd.h"
#include "drivers/iommu/wdm/wdm_iommu.h"
#include "drivers/manager/manager.h"
#include "lib/log.h"
#include "tests/bench/image/suite.h"
#include "tests/image/image.h"

#include <driver_bench.h>
#include <stdio.h>
#include <string.h>

#define REGIONS_MAX       (BOOT_MEMORY_MAX + SNAPSHOT_REGIONS_MAX)
#define REGION_LENGTH_MAX (UINT64_C(64) << 20)
#define TASK_LIMIT_NS     (30 * NS_PER_S)

static struct {
    struct boot_info *info;
    struct acpi_tables acpi;
    struct acpi_madt madt;
    struct pci_inventory pci;
    struct vtd vtd;
    struct amdvi amdvi;
    struct iommu iommu;
    struct report_summary summary;
    struct report_function functions[PCI_FUNCTIONS_MAX];
} boot;

static const char *option(const char *name)
{
    return boot_option(boot.info, name);
}

/* A step gives NULL when it is done, else why it is not. A step that the rest cannot do without
 * panics; after any other the machine stays in its most closed state and goes on to the report. */
typedef const char *(*step_routine)(void);

/* Memory that firmware's tables demand for devices never enters the allocator. What overlaps the
 * image or would take a large part of memory is no such demand: it is refused later, by name. */
static unsigned withhold_regions(struct x86_memory_region *regions, unsigned count)
{
    uint64_t first, last, end = boot.info->image_base + boot.info->image_length;

    for (unsigned n = 0; count < REGIONS_MAX && snapshot_region(n, &first, &last); n++)
        if (last - first < REGION_LENGTH_MAX && (last < boot.info->image_base || first >= end))
            regions[count++] =
                (struct x86_memory_region){.base = first, .length = last - first + 1, .ram = true};
    return count;
}

static const char *step_memory(void)
{
    static struct x86_memory_region regions[REGIONS_MAX];
    unsigned count;
    const char *why = NULL;

    for (unsigned i = 0; i < boot.info->memory_count; i++) {
        const struct boot_memory *memory = &boot.info->memory[i];

        regions[i] = (struct x86_memory_region){.base = memory->base,
                                                .length = memory->length,
                                                .ram = memory->kind != BOOT_MEMORY_MMIO,
                                                .usable = memory->kind == BOOT_MEMORY_USABLE};
    }
    count = withhold_regions(regions, boot.info->memory_count);
    return x86_init_memory(regions, count, boot.info->image_base, &why) ? NULL : why;
}

static const char *step_acpi(void)
{
    struct acpi_table table;

    if (!boot.info->rsdp)
        return "firmware gives no RSDP";
    if (!acpi_find_tables(boot.info->rsdp, memory_map_firmware, &boot.acpi))
        return "the ACPI tables cannot be read";
    table = acpi_table_get(&boot.acpi, "APIC", 0);
    if (table.data)
        acpi_read_madt(&table, &boot.madt);
    return NULL;
}

static struct framebuffer framebuffer_of(const struct boot_framebuffer *from)
{
    return (struct framebuffer){.base = from->base,
                                .length = from->length,
                                .width = from->width,
                                .height = from->height,
                                .stride = from->stride,
                                .red_shift = from->red_shift,
                                .green_shift = from->green_shift,
                                .blue_shift = from->blue_shift};
}

/* earlycon= is Linux's name for the same; without a value it stands for SPCR there. */
static const char *console_option(void)
{
    const char *early = option("earlycon");

    return option("console") || !early || !*early ? option("console") : early;
}

static const char *step_console(void)
{
    static struct console_port ports[BOOT_PORTS_MAX];
    struct framebuffer framebuffer = framebuffer_of(&boot.info->framebuffer);
    struct acpi_table spcr_table = acpi_table_get(&boot.acpi, "SPCR", 0);
    struct acpi_table dbg2_table = acpi_table_get(&boot.acpi, "DBG2", 0);
    struct acpi_spcr spcr;
    struct acpi_dbg2 dbg2;

    acpi_read_spcr(&spcr_table, &spcr);
    acpi_read_dbg2(&dbg2_table, &dbg2);
    for (unsigned i = 0; i < boot.info->port_count; i++) {
        const struct boot_port *port = &boot.info->ports[i];

        ports[i] = (struct console_port){
            .pci = port->pci, .com = port->com, .segment = port->segment, .bdf = port->bdf};
    }
    /* Errors show at every level; the records do not depend on it. */
    log_set_level((enum log_level)boot_number(boot.info, "loglevel"));
    boot.summary.console =
        console_start(&(struct console_setup){.option = console_option(),
                                              .spcr = &spcr,
                                              .dbg2 = &dbg2,
                                              .firmware = ports,
                                              .firmware_count = boot.info->port_count,
                                              .functions = snapshot_functions(),
                                              .framebuffer = &framebuffer});
    return NULL;
}

static const char *step_interrupts(void)
{
    const char *why = NULL;

    for (unsigned i = 0; i < boot.madt.io_apic_count; i++)
        if (!x86_mask_io_apic(boot.madt.io_apics[i].address))
            log_write(LOG_WARNING, "boot", "I/O APIC at 0x%x does not answer",
                      boot.madt.io_apics[i].address);
    return x86_init_interrupts(boot.madt.local_apic, &why) ? NULL : why;
}

static const char *step_pci(void)
{
    struct pci_ecam ecam;

    if (!boot_read_ecam(&boot.acpi, &ecam))
        return "firmware describes no ECAM (no MCFG): PCI functions are unknown";
    if (!pci_enumerate(&ecam, true, &boot.pci)) {
        boot.pci.count = 0;
        return "no ECAM range can be used: PCI functions are unknown";
    }
    manager_silence(&boot.pci);
    return NULL;
}

static bool discover_dmar(const struct acpi_table *table, const char **why)
{
    return vtd_discover(&boot.vtd, table, &boot.iommu, why);
}

/* Interrupts are not remapped yet: an I/O APIC that the table leaves out is worth a line. */
static bool discover_ivrs(const struct acpi_table *table, const char **why)
{
    bool found = amdvi_discover(&boot.amdvi, table, &boot.iommu, why);

    (void)!ivrs_io_apics_known(&boot.amdvi.ivrs, &boot.madt, NULL, 0);
    return found;
}

/* What one table leaves out, another one does not make up for. */
static const char *step_units(void)
{
    static const struct {
        const char *signature;
        bool (*discover)(const struct acpi_table *table, const char **why);
    } kinds[] = {{"DMAR", discover_dmar}, {"IVRS", discover_ivrs}};
    const char *why;

    iommu_init(&boot.iommu, &boot.pci);
    boot.iommu.incomplete = !boot.pci.count || boot.pci.dropped || boot.pci.unmapped;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct acpi_table table = acpi_table_get(&boot.acpi, kinds[i].signature, 0);

        if (!table.data)
            continue;
        boot.iommu.announced = true;
        if (kinds[i].discover(&table, &why))
            continue;
        boot.iommu.incomplete = true;
        boot.iommu.reason = why;
    }
    if (!boot.iommu.announced)
        boot.iommu.reason = "firmware describes no IOMMU (neither DMAR nor IVRS)";
    return boot.iommu.reason;
}

/* Anything but a clear "allow" blocks. */
static void set_guard(void)
{
    bool allow = boot_option_is(boot.info, "dmaguard", "allow");

    iommu_set_guard(&boot.iommu, allow ? IOMMU_GUARD_ALLOW : IOMMU_GUARD_BLOCK);
    if (allow)
        log_write(LOG_NOTICE, "iommu", "drivers may let their devices pass untranslated");
}

static const char *step_translation(void)
{
    set_guard();
    if (!boot.iommu.unit_count)
        return boot.iommu.reason;
    iommu_enable(&boot.iommu);
    BENCH_MARKER(BENCH_END);
    if (option("bench")) {
        BENCH_MARKER(BENCH_CLOSE);
        log_write(LOG_INFO, "bench", "count F.boot 1");
    }
    return boot.iommu.reason;
}

static const char *step_screen(void)
{
    console_show();
    return NULL;
}

/* Lines of the log carry no time until now. */
static const char *step_time(void)
{
    struct acpi_table fadt = acpi_table_get(&boot.acpi, "FACP", 0);
    struct x86_facts facts;
    const char *why = NULL;

    x86_set_pm_timer(acpi_pm_timer_port(&fadt));
    if (!x86_init_time(&why))
        return why;
    log_set_clock(time_ns);
    x86_facts(&facts);
    log_write(LOG_INFO, "boot", "TSC %llu MHz by %s%s, APIC %u%s, %u processors",
              (unsigned long long)(facts.tsc_hz / 1000000), facts.tsc_source,
              facts.tsc_invariant ? "" : " (not invariant)", facts.apic_id,
              facts.x2apic ? " (x2APIC)" : "", boot.madt.processors);
    return NULL;
}

static const char *step_head(void)
{
    struct x86_facts facts;

    x86_facts(&facts);
    snapshot_summary(boot.info, &boot.summary, boot.functions);
    boot.summary.memory_bytes = facts.ram_bytes;
    report_head(&boot.summary);
    options_check(boot.info);
    return NULL;
}

static const struct manager_setup manager_setup = {
    .iommu = &boot.iommu,
    .pci = &boot.pci,
    .pdo = wdm_pdo,
    .option = option,
    .disk = report_disk,
    .task_limit_ns = TASK_LIMIT_NS,
};

static const char *step_drivers(void)
{
    wdm_start(&boot.iommu);
    manager_run(&manager_setup);
    return NULL;
}

static const char *step_image_tests(void)
{
    image_provoke(&boot.iommu, option("provoke"));
    image_tests(&boot.iommu, boot_option_is(boot.info, "tests", "all"), NULL);
    if (option("bench") && boot.iommu.unit_count)
        bench_image(&boot.iommu);
    return NULL;
}

static const struct {
    const char *name;
    step_routine run;
    bool vital;
} steps[] = {
    {"own page tables", step_memory, true},
    {"ACPI tables", step_acpi, false},
    {"console", step_console, false},
    {"report head", step_head, false},
    {"interrupts", step_interrupts, true},
    {"PCI functions, bus mastering off", step_pci, false},
    {"IOMMU units", step_units, false},
    {"translation on, all DMA denied", step_translation, false},
    {"screen", step_screen, false},
    {"time", step_time, true},
    {"drivers", step_drivers, false},
    {"image tests", step_image_tests, false},
};

static enum report_state to_report(enum iommu_state state)
{
    static const enum report_state states[] = {
        [IOMMU_ABSENT] = REPORT_ABSENT,
        [IOMMU_STATE_FAILED] = REPORT_FAILED,
        [IOMMU_PARTIAL] = REPORT_PARTIAL,
        [IOMMU_ACTIVE] = REPORT_ACTIVE,
    };

    return states[state];
}

static void describe_end(void)
{
    const struct pci_inventory *entry = snapshot_functions();

    for (uint16_t i = 0; i < boot.pci.count; i++) {
        const struct pci_function *function = &boot.pci.functions[i];
        struct report_function *out = &boot.functions[i];

        *out = (struct report_function){.group = pci_group_number(&boot.pci, i),
                                        .covered = iommu_guards(&boot.iommu, i)};
        uint16_t before = pci_find(entry, function->segment, function->bdf);
        if (before != PCI_NONE)
            out->bus_master_at_entry = entry->functions[before].bus_master_at_entry;
        pci_name(function->segment, function->bdf, out->name);
    }
    boot.summary.function_count = boot.pci.count;
}

static const char *reset(bool off)
{
    return boot_reset(boot.info, off);
}

static struct shell_boot shell_boot = {
    .acpi = &boot.acpi,
    .pci = &boot.pci,
    .iommu = &boot.iommu,
    .manager = &manager_setup,
    .reset = reset,
};

static void run_panic_shell(void)
{
    framebuffer_scroll();
    boot_shell(&shell_boot, true);
}

/* A person goes on from here, unless shell=off says that nobody will. */
_Noreturn static void hand_over(void)
{
    if (boot_option_is(boot.info, "shell", "off"))
        x86_halt();
    shell_boot.summary = &boot.summary;
    boot_shell(&shell_boot, false);
}

static void finish(void)
{
    describe_end();
    boot.summary.dma = to_report(iommu_state(&boot.iommu));
    boot.summary.dma_reason = boot.iommu.reason;
    boot.summary.interrupts = REPORT_ABSENT;
    boot.summary.interrupts_reason = "interrupt remapping is not driven by this build";
    (void)report_finish(&boot.summary);
    hand_over();
}

static void bring_up(void *argument)
{
    (void)argument;
    console_early(console_option());
    shell_boot.info = boot.info;
    panic_set_shell(run_panic_shell);
    boot_panic_start(&boot.iommu, boot_value(boot.info, "panic"));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        /* The head of the report comes first on the console. */
        enum log_level level = boot.summary.functions ? LOG_INFO : LOG_DEBUG;
        const char *why = steps[i].run();

        if (!why) {
            log_write(level, "boot", "%s: done", steps[i].name);
            continue;
        }
        log_write(LOG_WARNING, "boot", "%s: %s", steps[i].name, why);
        if (steps[i].vital)
            panic(PANIC_BRING_UP, why, i, 0, 0, 0);
    }
    finish();
}

void boot_main(struct boot_info *info)
{
    boot.info = info;
    x86_init_tables();
    x86_run_on_stack(bring_up, NULL);
}
