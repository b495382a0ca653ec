/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * AMD-Vi: registers, capability block, events and ends of commands of any content. See hostile.h.
 * Behind the registers lies the configuration space of the unit's own function.
 */
#include "hostile.h"

#include "drivers/iommu/amdvi/amdvi.h"
#include "drivers/iommu/amdvi/regs.h"
#include "machine.h"

#include <string.h>

#define CONFIG     AMDVI_REGISTERS
#define UNIT_ID    PCI_BDF(0, 0, 2)
#define CAPABILITY 0x40u
#define MSI        0x90u
#define RING_BYTES 4096u
#define ENTRY      16u
#define EFR        (UINT64_C(1) << EFR_IASUP_SHIFT)
#define ADDRESS    UINT64_C(0x000FFFFFFFFFF000)
#define STORE      UINT64_C(0x000FFFFFFFFFFFF8) /* of a COMPLETION_WAIT */
#define DOMAIN_ID  UINT64_C(0xFFFF) /* of a DTE's second word, and IntCtl of its third */
#define INT_CTL    (UINT64_C(3) << 60)
#define CLEARABLE  (STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT | STATUS_COM_WAIT_INT)

static struct amdvi amdvi;
/* As the driver wrote them: a poke does not move what the unit reaches in memory. */
static uint64_t device_table, commands, events;
static uint32_t head;      /* of the commands, as the unit knows it */
static uint64_t told_tail; /* of the log, when the driver last read it */
static uint32_t log_head;  /* as the driver last wrote it */

static void power_on(void)
{
    device_table = commands = events = told_tail = 0;
    head = log_head = 0;
    hostile_set(AMDVI_EFR.offset, 8, EFR);
    hostile_set(CONFIG + CAPABILITY, 4,
                CAPABILITY_ID_SECURE | CAPABILITY_TYPE_IOMMU << CAPABILITY_TYPE_SHIFT |
                    1u << CAPABILITY_EFRSUP_SHIFT | 1u << CAPABILITY_CAPEXT_SHIFT);
    hostile_set(CONFIG + CAPABILITY + CAPABILITY_MISC, 4,
                48u << CAPABILITY_PASIZE_SHIFT | 48u << CAPABILITY_VASIZE_SHIFT);
}

static void add_functions(struct pci_inventory *pci)
{
    struct pci_function *function = &pci->functions[pci->count];

    *function = (struct pci_function){.bdf = UNIT_ID,
                                      .class_code = 0x080600,
                                      .parent = PCI_NONE,
                                      .port = PCI_RC_ENDPOINT,
                                      .msi = MSI,
                                      .msi_vectors = 1,
                                      .msi_64 = true,
                                      .group_leader = (uint16_t)pci->count++};
    HOLDS(mmio_map(HOSTILE_BASE + CONFIG, 4096, &function->config));
}

/* IVHD of type 10h with the one function. */
static bool discover(struct iommu *iommu)
{
    static const uint8_t bytes[76] = {'I',
                                      'V',
                                      'R',
                                      'S',
                                      76,
                                      [8] = 2,
                                      [48] = IVRS_IVHD_10,
                                      [50] = 28,
                                      [52] = UNIT_ID,
                                      [54] = CAPABILITY,
                                      [58] = 0xD8,
                                      [59] = 0xFE,
                                      [72] = IVRS_SELECT,
                                      [73] = HOSTILE_ID};
    const struct acpi_table table = {bytes, sizeof bytes};
    const char *reason;

    return amdvi_discover(&amdvi, &table, iommu, &reason);
}

/* ---- Commands ---- */

static void check_command(const uint64_t *command)
{
    uint64_t code = command[0] & UINT64_C(15) << 60, low = command[0] ^ code, high = command[1];

    if (code == COMMAND_COMPLETION_WAIT)
        HOLDS((low & ~STORE) == WAIT_S && model_ram(low & STORE, 8) != NULL);
    else if (code == COMMAND_DEVTAB_ENTRY)
        HOLDS(low <= UINT16_MAX && high == 0);
    else if (code == COMMAND_IOMMU_PAGES)
        HOLDS((low & ~(UINT64_C(0xFFFF) << PAGES_DOMAIN_SHIFT)) == 0 &&
              (high & 0xFFF & ~(PAGES_S | PAGES_PDE)) == 0);
    else
        HOLDS(code == COMMAND_IOMMU_ALL && low == 0 && high == 0);
}

/* How a run of the buffer may end, not as it should. */
enum { OTHER_DATA = 1, HEAD_STAYS = 2, STOPS = 4, NOTHING_DONE = 8 };

static void run_commands(uint64_t tail)
{
    unsigned wrong = hostile_is_honest() ? 0 : (unsigned)hostile_take(1);

    HOLDS(tail < RING_BYTES && tail % ENTRY == 0);
    for (; head != tail && !(wrong & NOTHING_DONE); head = (head + ENTRY) % RING_BYTES) {
        const uint64_t *command = model_ram(commands + head, ENTRY);

        HOLDS(command != NULL);
        check_command(command);
        if (command[0] >> 60 == COMMAND_COMPLETION_WAIT >> 60) {
            uint64_t *target = model_ram(command[0] & STORE, 8);

            *target = wrong & OTHER_DATA ? hostile_take(8) : command[1];
            hostile_waited((int32_t)((uint32_t)*target - (uint32_t)command[1]) >= 0);
        }
    }
    if (!(wrong & HEAD_STAYS))
        hostile_set(AMDVI_COMMAND_HEAD.offset, 4, head);
    if (wrong & STOPS)
        hostile_set(AMDVI_STATUS.offset, 4,
                    hostile_get(AMDVI_STATUS.offset, 4) & ~STATUS_CMD_BUF_RUN);
}

/* ---- Registers ---- */

static void control(uint64_t value)
{
    uint64_t status = hostile_get(AMDVI_STATUS.offset, 4) & CLEARABLE;

    if (value & CONTROL_IOMMU_EN && value & CONTROL_CMD_BUF_EN)
        status |= STATUS_CMD_BUF_RUN;
    if (value & CONTROL_IOMMU_EN && value & CONTROL_EVENT_LOG_EN)
        status |= STATUS_EVENT_LOG_RUN;
    if (!hostile_is_honest())
        return;
    hostile_set(AMDVI_CONTROL.offset, 8, value);
    hostile_set(AMDVI_STATUS.offset, 4, status);
}

static void told(uint32_t offset, uint64_t value)
{
    if (offset == AMDVI_EVENT_TAIL.offset)
        told_tail = value;
}

/* No further than to the tail that the driver was told, if that can be one. */
static void move_log_head(uint64_t value)
{
    uint32_t moved = ((uint32_t)value - log_head) % RING_BYTES;

    HOLDS(value < RING_BYTES && value % ENTRY == 0);
    HOLDS(value == 0 || (told_tail < RING_BYTES && told_tail % ENTRY == 0 &&
                         moved <= ((uint32_t)told_tail - log_head) % RING_BYTES));
    log_head = (uint32_t)value;
}

static void written(uint32_t offset, unsigned width, uint64_t value)
{
    HOLDS(offset != AMDVI_EFR.offset);
    if (offset == AMDVI_CONTROL.offset)
        return control(value);
    if (offset == AMDVI_STATUS.offset)
        value = hostile_get(offset, 4) & ~(value & CLEARABLE);
    hostile_set(offset, width, value);
    if (offset == AMDVI_DEVICE_TABLE.offset)
        device_table = value;
    if (offset == AMDVI_EVENT_BASE.offset)
        events = value & ADDRESS;
    if (offset == AMDVI_EVENT_HEAD.offset)
        move_log_head(value);
    if (offset == AMDVI_COMMAND_BASE.offset) {
        commands = value & ADDRESS;
        head = 0;
    }
    if (offset == AMDVI_COMMAND_TAIL.offset)
        run_commands(value);
}

/* At the tail, wherever that is by now. */
static void record_fault(void)
{
    uint64_t tail = hostile_get(AMDVI_EVENT_TAIL.offset, 8) % RING_BYTES / ENTRY * ENTRY;
    uint64_t *event = model_ram(events + tail, ENTRY);
    uint64_t low = hostile_take(8), high = hostile_take(8);

    if (!events || !event)
        return;
    event[0] = low;
    event[1] = high;
    hostile_set(AMDVI_EVENT_TAIL.offset, 8, (tail + ENTRY) % RING_BYTES);
    hostile_set(AMDVI_STATUS.offset, 4,
                hostile_get(AMDVI_STATUS.offset, 4) | STATUS_EVENT_LOG_INT |
                    (hostile_is_honest() ? 0 : STATUS_EVENT_OVERFLOW));
}

/* By the device table that the driver gave: with V, TV or IV clear, or a right, something passes.
 */
static bool is_open(void)
{
    const struct amdvi_device_entry *entry =
        model_ram((device_table & ADDRESS) + HOSTILE_ID * sizeof *entry, sizeof *entry);

    if (!device_table || !entry)
        return false;
    return (entry->memory[0] & (DTE_V | DTE_TV | DTE_IR | DTE_IW)) != (DTE_V | DTE_TV) ||
           entry->memory[1] & DOMAIN_ID || (entry->interrupts[0] & (DTE_IV | INT_CTL)) != DTE_IV;
}

const struct hostile_vendor hostile_vendor = {
    .power_on = power_on,
    .add_functions = add_functions,
    .discover = discover,
    .told = told,
    .written = written,
    .record_fault = record_fault,
    .open = is_open,
};
