/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_API_API_H
#define TESTS_API_API_H

#include "drivers/iommu/core/core.h"
#include "drivers/iommu/wdm/wdm_iommu.h"
#include "lib/results.h"
#include "tests/api/list.h"

#include <wdm.h>

/*
 * The behaviours of list.h, written once: judged on the modelled unit (tests/host/test_api.c) and
 * in the image on the real one (tests/image/api.c). A routine makes all that it needs and leaves
 * nothing behind, which the runner checks.
 */
#define API_DEVICES      2
#define API_PAGES        ((size_t)1024) /* of the caller's own: 4 MiB, naturally aligned */
#define API_OTHERS_PAGES ((size_t)4)    /* of somebody else's */

/* Logical addresses for tests: no page of the caller's has them as its physical address, and every
 * device can put them on the bus. */
#define API_AT    UINT64_C(0x0C000000)
#define API_LIMIT (UINT64_C(1) << 28)

#define API_BOTH  (IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE)

/* The rest of what a test does to devices is the same everywhere. */
struct api;
struct api_machine {
    /* Device `index` moves one aligned word between its own buffer and memory. False: it did not
     * finish; whether it was refused is the unit's to tell. */
    bool (*transfer)(struct api *api, unsigned index, bool write, uint64_t address);
    /* The nth allocation from now fails, once; 0: none. NULL: cannot be had. */
    void (*fail_allocation)(unsigned nth);
    bool attach_allocates; /* with fail_allocation: a requester's first attach needs memory */
    /* Runs `hook` once while the next routine waits for the unit. NULL: cannot be had. */
    void (*while_waiting)(void (*hook)(void *context), void *context);
};

struct api {
    struct iommu *iommu;
    const struct api_machine *machine;
    owner_t owner, other;            /* whose calls these are, and somebody else */
    uint16_t endpoints[API_DEVICES]; /* devices that can be made to read and write */
    unsigned device_count;
    uint16_t spare;  /* an endpoint that no test uses otherwise */
    bool on_host;    /* tries what needs ARM64 or PASID as far as it goes */
    bool unrecorded; /* the unit does not record refusals as they are: memory alone judges them */
    DMA_IOMMU_INTERFACE v0;
    DMA_IOMMU_INTERFACE_V1 v1;
    DMA_IOMMU_INTERFACE_V2 v2;
    DMA_IOMMU_INTERFACE_V3 v3;
    char *own, *others; /* API_PAGES and API_OTHERS_PAGES */
    uint64_t own_physical, others_physical;
    uint64_t next_word;
    size_t held;            /* table pages that api_leave_tables keeps back */
    void *hoard;            /* what api_take_memory took */
    enum iommu_guard guard; /* as it was before */
    bool at_task_level;     /* while handlers and callbacks may run */
    enum result result;
    char reason[RESULTS_REASON_LENGTH];
};

/* Takes memory and the tables of all versions. iommu, machine, owners, endpoints, device_count,
 * spare and on_host are set. False: it cannot begin. */
bool api_begin(struct api *api) __attribute__((warn_unused_result));
void api_end(struct api *api);

/* Whether the unit records the refusal of a write as it is, tried on device 0. */
bool api_records_refusals(struct api *api) __attribute__((warn_unused_result));

struct api_behaviour {
    unsigned number;
    char id[8]; /* "API-001" */
    const char *claim;
};

struct api_behaviour api_behaviour(unsigned index);

/* Runs behaviour `index` (0 to API_COUNT - 1). The outcome is in api->result and api->reason. */
void api_run(struct api *api, unsigned index);

/* ---- For the behaviours ---- */

/* Record the first thing that does not hold. They return whether it did. */
#define HOLDS(condition)  api_judge(api, (condition), #condition, __LINE__)
#define GIVES(code, call) api_judge_status(api, (code), (call), #call, __LINE__)
bool api_judge(struct api *api, bool holds, const char *text, int line);
bool api_judge_status(struct api *api, NTSTATUS wanted, NTSTATUS got, const char *text, int line);

/* A device's view. A write carries the word that the device read last. */
enum api_access { API_ALLOWED, API_REFUSED, API_UNDECIDED };
enum api_access api_read(struct api *api, unsigned device, uint64_t address);
enum api_access api_write(struct api *api, unsigned device, uint64_t address);

/* A write at `address` changes this page of the caller's, or is refused and changes nothing in it:
 * memory and the unit's fault must agree, unless `unrecorded`. */
bool api_lands(struct api *api, unsigned device, uint64_t address, unsigned page);
bool api_stopped(struct api *api, unsigned device, uint64_t address, unsigned page);
/* The device reads what stands in page `from`, and brings it to page `to`. */
bool api_brings(struct api *api, unsigned device, uint64_t source, unsigned from, uint64_t target,
                unsigned to);
/* The device is refused the read: what it brings to page `to` is not what stands in page `from`. */
bool api_withheld(struct api *api, unsigned device, uint64_t source, unsigned from, uint64_t target,
                  unsigned to);

uint64_t api_physical(const struct api *api, unsigned page);
PFN_NUMBER api_frame(const struct api *api, unsigned page);
volatile uint64_t *api_word(const struct api *api, unsigned page);

/* Objects. What cannot be made is NULL, and judged. */
PIOMMU_DMA_DOMAIN api_domain(struct api *api, IOMMU_DMA_DOMAIN_TYPE type);
PIOMMU_DMA_DOMAIN api_buddy(struct api *api, ULONG width);
PIOMMU_DMA_DOMAIN api_domain_with(struct api *api, IOMMU_DMA_DOMAIN_TYPE type, ULONG width,
                                  PIOMMU_DMA_RESERVED_REGION regions, NTSTATUS wanted);
PIOMMU_DMA_DEVICE api_device(struct api *api, unsigned index);
PDEVICE_OBJECT api_pdo(const struct api *api, unsigned index);
void api_delete_domain(struct api *api, PIOMMU_DMA_DOMAIN domain);
void api_delete_device(struct api *api, PIOMMU_DMA_DEVICE device);
/* Both, with the device attached; detached again before they are deleted. */
void api_attach(struct api *api, PIOMMU_DMA_DOMAIN domain, PIOMMU_DMA_DEVICE device);
void api_detach(struct api *api, PIOMMU_DMA_DEVICE device);

/* Descriptions of the caller's pages. */
IOMMU_MAP_PHYSICAL_ADDRESS api_range(uint64_t physical, uint64_t size);
IOMMU_MAP_PHYSICAL_ADDRESS api_pages(const struct api *api, unsigned page, unsigned count);

struct api_mdl {
    MDL mdl;
    PFN_NUMBER frames[8];
};
/* `count` frames from page `page` on, in falling order with a gap between each two. */
PMDL api_mdl(const struct api *api, struct api_mdl *mdl, unsigned page, unsigned count);

/* MapLogicalRangeEx of the caller's pages. `address` is given to and taken from the routine; NULL
 * for `at`: no explicit address. On failure it must stay as it is. */
NTSTATUS api_map(struct api *api, PIOMMU_DMA_DOMAIN domain, unsigned page, unsigned count,
                 uint64_t at, ULONG permissions);
NTSTATUS api_map_memory(struct api *api, PIOMMU_DMA_DOMAIN domain,
                        IOMMU_MAP_PHYSICAL_ADDRESS memory, uint64_t at, ULONG permissions);
NTSTATUS api_map_anywhere(struct api *api, PIOMMU_DMA_DOMAIN domain, unsigned count,
                          const uint64_t *min, const uint64_t *max, uint64_t *out);

/* The guard, as the machine's owner sets it. */
void api_guard(struct api *api, enum iommu_guard guard);

/* Takes what faults the units have and hands them on, as the dispatcher does. True: one of them is
 * a refusal of this access. */
bool api_take_faults(struct api *api, unsigned device, uint64_t address, bool write);

/* Takes every lock that core has, as another context would hold them, or gives them back. */
void api_locks(struct api *api, bool take);

/* Table pages in use, whosever they are. */
size_t api_tables(const struct api *api);

/* Takes all memory, gives it back; in between, how many table pages are left. */
void api_take_memory(struct api *api);
void api_leave_tables(struct api *api, size_t pages);
void api_give_memory(struct api *api);

#define API_DECLARE(number, need, routine, claim) void api_##routine(struct api *api);
API_LIST(API_DECLARE)
#undef API_DECLARE

#endif
