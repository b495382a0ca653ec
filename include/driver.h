/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVER_H
#define DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wdm.h>

/*
 * The driver contract. A driver is one `struct driver` placed in the image's table by
 * DRIVER_REGISTER. It includes nothing but include/ and the C library, and reaches the machine
 * through the services that it is handed and through IoGetIommuInterfaceEx.
 *
 * Every bound device gets a task of its own: start() runs there from begin to end and may wait.
 * All waits are services and are bounded. Tasks are switched only inside services, so plain
 * variables need no lock. Handlers and callbacks of the domain API run between two switches, at
 * PASSIVE level.
 */
struct driver_device;

/* What the driver sees of one device. Constant while the driver is bound, but for `context`. */
struct driver_device {
    PDEVICE_OBJECT pdo;   /* names the device to the domain API */
    const char *name;     /* "nvme0": driver name and instance */
    const char *location; /* "00:04.0", with a segment in front when it is not 0: "0001:00:04.0" */
    unsigned instance;    /* 0, 1, ... within this driver, in bus order */
    unsigned instances;   /* how many devices this driver has been bound to */
    uint16_t vendor_id;
    uint16_t device_id;
    uint32_t class_code; /* base class << 16 | subclass << 8 | interface */
    const struct driver_services *services;
    void *context; /* the driver's own */
};

/* A mapped BAR. Read and written only through <driver_io.h>. */
struct driver_window {
    volatile void *base;
    size_t length;
};

/* Memory that this driver owns: contiguous, zeroed, aligned to its length or to the next power of
 * two above. No device reaches it until the driver maps it into a domain that the device is
 * attached to. */
struct driver_memory {
    void *address;
    uint64_t physical;
    size_t length;
};

/* `length` bytes of the driver's memory from a physical address on, for the domain API. */
static inline IOMMU_MAP_PHYSICAL_ADDRESS driver_contiguous(uint64_t physical, size_t length)
{
    return (IOMMU_MAP_PHYSICAL_ADDRESS){
        .MapType = MapPhysicalAddressTypeContiguousRange,
        .ContiguousRange = {.Base = {.QuadPart = (LONGLONG)physical}, .Size = length},
    };
}

/* Writes the frames of a part of `memory` into an MDL that MmInitializeMdl prepared for it. */
static inline void driver_build_mdl(const struct driver_memory *memory, PMDL mdl)
{
    uintptr_t base = (uintptr_t)mdl->StartVa;
    SIZE_T pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(mdl->ByteOffset, mdl->ByteCount);

    for (SIZE_T i = 0; i < pages; i++)
        MmGetMdlPfnArray(mdl)[i] =
            ((base - (uintptr_t)memory->address + memory->physical) >> PAGE_SHIFT) + i;
    mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

/* One refused DMA, as the unit recorded it. */
struct driver_record {
    uint64_t address; /* page of the refused access */
    bool write;
};

/* What a person asks of a device by hand, to see what is allowed and what is refused. Addresses are
 * logical, lengths in bytes. */
enum driver_request_kind {
    DRIVER_MAP,   /* memory of the driver's own, at exactly this address */
    DRIVER_UNMAP, /* the mapping that begins there */
    DRIVER_DMA,   /* the device reads or writes there, whatever is mapped */
};

struct driver_request {
    enum driver_request_kind kind;
    uint64_t address;
    uint64_t length;  /* map, dma */
    bool read, write; /* map: what the device may do; dma: what it does, one of them */
};

enum driver_level { DRIVER_ERROR, DRIVER_WARNING, DRIVER_INFO, DRIVER_DEBUG };

enum driver_result { DRIVER_PASS, DRIVER_FAIL, DRIVER_SKIP, DRIVER_UNDECIDED, DRIVER_NOTE };

struct driver_services {
    /* Maps a memory BAR by its index (0 to 5). False: absent, an I/O BAR, or not assigned. */
    bool (*window_map)(struct driver_device *device, unsigned bar, struct driver_window *window);

    /* Pages of memory. False: none left. Freed pages must be mapped nowhere any more; all of a
     * driver's memory is taken back when its task ends. */
    bool (*memory_alloc)(struct driver_device *device, size_t pages, struct driver_memory *memory);
    void (*memory_free)(struct driver_device *device, struct driver_memory *memory);

    /* Routes up to `wanted` message-signalled interrupts (MSI-X, else MSI) to this task. Returns
     * how many it got, 0 to wanted; message n is awaited as index n. */
    unsigned (*interrupts_enable)(struct driver_device *device, unsigned wanted);
    /* True when message `index` has come since the last call; waits for it up to timeout_ns. None
     * need come while the device is attached to no domain. */
    bool (*interrupt_wait)(struct driver_device *device, unsigned index, uint64_t timeout_ns);

    /* Lets other tasks run until ready(context) holds or timeout_ns has passed; true: it holds.
     * ready() is asked after every event and must only look. */
    bool (*wait)(struct driver_device *device, bool (*ready)(void *context), void *context,
                 uint64_t timeout_ns);
    uint64_t (*now_ns)(struct driver_device *device);

    void (*log)(struct driver_device *device, enum driver_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

    /* Evidence for tests. A driver hears of faults by SetDeviceFaultReporting, which tells neither
     * the kind of the access nor anything of a detached device. Takes the oldest of this device's
     * records that have not been taken; false: there is none. The first 16 that wait are kept. */
    bool (*take_record)(struct driver_device *device, struct driver_record *record);

    /* One test's outcome, under a stable id such as "DMA-DENY-003". `reason` is a printf format
     * and may be NULL for a pass. */
    void (*test)(struct driver_device *device, const char *id, enum driver_result result,
                 const char *reason, ...) __attribute__((format(printf, 4, 5)));
    /* A disk that was read from its first byte to its last. */
    void (*disk)(struct driver_device *device, const char *name, uint64_t bytes,
                 const char *sha256_hex);

    /* The value of a boot option ("tests" -> "all"); NULL when it was not given. */
    const char *(*option)(struct driver_device *device, const char *name);

    /* For serve(): waits for what a person asks next, as long as that takes. False: nothing more
     * will be asked. Each request is answered once, by reply(), with one sentence; `done` is false
     * when the device was refused or the request could not be served. */
    bool (*next_request)(struct driver_device *device, struct driver_request *request);
    void (*reply)(struct driver_device *device, bool done, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
};

/* A device matches when vendor and device are equal (0xFFFF: any) and
 * (class_code & class_mask) == class_value. */
struct driver_match {
    uint16_t vendor_id;
    uint16_t device_id;
    uint32_t class_mask;
    uint32_t class_value;
};

#define DRIVER_ANY_ID ((uint16_t)0xFFFF)

struct driver {
    const char *name;
    const struct driver_match *match;
    size_t match_count;
    /* Its tasks begin when those of all drivers without this mark have ended: for one that has many
     * requests refused, since a unit may keep one fault record for all requesters. */
    bool last;
    /* Works the device, in the device's own task, then leaves it quiet: detached, deleted,
     * unmapped. False: it could not, and said why through log(). */
    bool (*start)(struct driver_device *device);
    /* Optional. Serves what a person asks of the device by hand (map, unmap, dma): in a task like
     * that of start(), once those of all drivers have ended, from the first request on until
     * next_request() gives false. It keeps the rules of start(). */
    void (*serve)(struct driver_device *device);
    /* Optional. Called before the task of a device is given up on (time limit): silences it. */
    void (*stop)(struct driver_device *device);
};

/* Puts `driver` (a const struct driver with static storage) into the image's table. */
#define DRIVER_REGISTER(name)                                                                      \
    static const struct driver *const name##_entry                                                 \
        __attribute__((section(".drivers"), used, aligned(8))) = &(name)

#endif
