/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef MODEL_API_REFERENCE_H
#define MODEL_API_REFERENCE_H

#include "lib/owner.h"

#include <stdbool.h>
#include <stdint.h>
#include <wdm.h>

/*
 * The domain API as its reference and this project's choices describe it, and nothing else: flat
 * lists instead of tables, no hardware, no memory that could run out. It shares no line with
 * drivers/iommu, whose judge it is.
 *
 * A call is a function that returns the status and writes the outputs that the API is to return.
 * Handles are serial numbers that are never used again; 0 stands for NULL and for everything that
 * was never a handle. Pages and frames are numbers: address / 4096.
 *
 * What the documents leave open is left open here: `also` is then a second status that is right,
 * and where an allocator chooses, the choice is given to the reference, which judges it.
 */
#define REF_DOMAINS       24
#define REF_PAGES         512 /* live ones of a domain */
#define REF_TOKENS        32
#define REF_ENDPOINTS     4
#define REF_FRAMES        8 /* of one call */
#define REF_REGIONS       4 /* kept by a domain; more may be asked for in vain */
#define REF_ASKED_MAX     40
#define REF_CALLS         16

#define REF_UNMANAGED_MAX 16
#define REF_REGIONS_MAX   32

typedef uint32_t ref_handle;

struct ref_range {
    uint64_t first, last; /* pages, inclusive */
};

struct ref_page {
    uint64_t page, frame;
    unsigned permission;
    struct ref_range mapping; /* that one call made; of a segment: unused */
    ref_handle token;         /* 0: an ordinary mapping */
};

struct ref_token {
    ref_handle handle, domain;
    struct ref_range range;
};

struct ref_domain {
    ref_handle handle;
    owner_t owner;
    IOMMU_DMA_DOMAIN_TYPE type;
    unsigned width; /* of the allocator; 0: it has none */
    struct {
        struct ref_range range;
        bool map;
    } regions[REF_REGIONS];
    unsigned region_count;
    struct ref_page pages[REF_PAGES];
    unsigned page_count;
};

/* The device object of an endpoint; a PDO is an endpoint's number + 1, or 0. */
struct ref_device {
    bool used;
    bool by_attach; /* made by AttachDevice, without a handle */
    ref_handle handle;
    ref_handle domain; /* 0: detached */
    PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback;
    PVOID context;
    ULONG told;
    PIOMMU_DEVICE_FAULT_HANDLER handler;
    PVOID handler_context;
};

/* One call of a driver's state-change callback. */
struct ref_call {
    PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback;
    PVOID context;
    IOMMU_INTERFACE_STATE_CHANGE change;
    owner_t owner;
};

struct api_reference {
    /* The machine: set before the first call. */
    unsigned width; /* bits of a logical address */
    bool can_pass_through;
    struct {
        owner_t owner;
        unsigned group;
        struct ref_range firmware; /* that it demands; first > last: none */
    } endpoints[REF_ENDPOINTS];

    owner_t caller;
    bool guard_allows;
    ref_handle last_handle;
    struct ref_domain domains[REF_DOMAINS];
    struct ref_device devices[REF_ENDPOINTS];
    struct ref_token tokens[REF_TOKENS];

    /* Of the last call. */
    bool open; /* `also` is right too */
    NTSTATUS also;
    const char *complaint; /* what is wrong about an allocator's choice; NULL: nothing */
    struct ref_call calls[REF_CALLS];
    unsigned call_count;
};

/* Memory to map, whatever structure lists it. */
struct ref_memory {
    bool malformed;
    unsigned count;
    uint64_t frames[REF_FRAMES];
};

/* ExplicitLogicalAddress, MinLogicalAddress, MaxLogicalAddress: addresses, not pages. */
struct ref_place {
    const IOMMU_DMA_LOGICAL_ADDRESS *explicit, *min, *max;
};

/* What the implementation answered to a call in which the choice is its own. */
struct ref_choice {
    NTSTATUS status;
    uint64_t address;
};

struct ref_region {
    uint64_t base, pages;
    bool map;
};

struct ref_domain_config {
    unsigned type;
    uint64_t flags;
    unsigned allocator; /* type; None stands for no configuration too */
    unsigned width;
    unsigned region_count;
    bool loop; /* the list of regions does not end */
    struct ref_region regions[REF_ASKED_MAX];
};

struct ref_segment {
    ref_handle token;
    uint64_t offset, size; /* bytes */
};

/* Forgets all objects; the machine stays. */
void ref_reset(struct api_reference *api);
/* Before each call. */
void ref_begin(struct api_reference *api, owner_t caller);

NTSTATUS ref_create_domain(struct api_reference *api, bool managed, ref_handle *out);
NTSTATUS ref_create_domain_ex(struct api_reference *api, const struct ref_domain_config *config,
                              ref_handle *out);
NTSTATUS ref_delete_domain(struct api_reference *api, ref_handle domain);

NTSTATUS ref_create_device(struct api_reference *api, unsigned pdo, bool configured,
                           ref_handle *out);
NTSTATUS ref_delete_device(struct api_reference *api, ref_handle device);
NTSTATUS ref_attach_ex(struct api_reference *api, ref_handle domain, ref_handle device);
NTSTATUS ref_detach_ex(struct api_reference *api, ref_handle device);
NTSTATUS ref_attach(struct api_reference *api, ref_handle domain, unsigned pdo, ULONG base,
                    ULONG count);
NTSTATUS ref_detach(struct api_reference *api, ref_handle domain, unsigned pdo, ULONG id);

NTSTATUS ref_map(struct api_reference *api, ref_handle domain, ULONG permissions,
                 const struct ref_memory *memory, uint64_t address);
NTSTATUS ref_map_ex(struct api_reference *api, ref_handle domain, ULONG permissions,
                    const struct ref_memory *memory, const struct ref_place *place,
                    const struct ref_choice *choice, IOMMU_DMA_LOGICAL_ADDRESS *out);
NTSTATUS ref_unmap(struct api_reference *api, ref_handle domain, uint64_t address, uint64_t pages);
NTSTATUS ref_map_identity(struct api_reference *api, ref_handle domain, ULONG permissions,
                          const struct ref_memory *memory);
NTSTATUS ref_unmap_identity(struct api_reference *api, ref_handle domain,
                            const struct ref_memory *memory);

/* *out with *range in bytes: base and size. */
NTSTATUS ref_reserve(struct api_reference *api, ref_handle domain, uint64_t size,
                     const struct ref_place *place, const struct ref_choice *choice,
                     ref_handle *out, IOMMU_DMA_LOGICAL_ADDRESS_TOKEN *shown);
NTSTATUS ref_free_reserved(struct api_reference *api, ref_handle token);
NTSTATUS ref_map_reserved(struct api_reference *api, ref_handle token, uint64_t offset,
                          ULONG permissions, const struct ref_memory *memory,
                          struct ref_segment *out);
NTSTATUS ref_unmap_reserved(struct api_reference *api, struct ref_segment *segment);

NTSTATUS ref_configure(struct api_reference *api, ref_handle domain,
                       const DOMAIN_CONFIGURATION *configuration);
NTSTATUS ref_flush(struct api_reference *api, ref_handle domain);
NTSTATUS ref_flush_list(struct api_reference *api, ref_handle domain, ULONG number,
                        const uint64_t *list);
NTSTATUS ref_query_mappings(struct api_reference *api, unsigned pdo, bool buffer);
void ref_query_types(struct api_reference *api, ref_handle device, ULONG *out);
NTSTATUS ref_register(struct api_reference *api, PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
                      PVOID context, ref_handle device,
                      const IOMMU_INTERFACE_STATE_CHANGE_FIELDS *fields);
NTSTATUS ref_unregister(struct api_reference *api, PIOMMU_INTERFACE_STATE_CHANGE_CALLBACK callback,
                        ref_handle device);
NTSTATUS ref_fault_reporting(struct api_reference *api, unsigned pdo, ULONG base, bool enable,
                             const DEVICE_FAULT_CONFIGURATION *config);

NTSTATUS ref_create_pasid_device(struct api_reference *api, ref_handle device);
NTSTATUS ref_attach_pasid_device(struct api_reference *api, ref_handle domain);
NTSTATUS ref_query_info(struct api_reference *api, ref_handle device, ULONG size, ULONG *written,
                        IOMMU_DMA_DEVICE_INFORMATION *buffer);

/* No call of the API: the policy changes. */
void ref_set_guard(struct api_reference *api, bool allows);

/* What the device of an endpoint reaches at a page: whether it may, and which frame. */
bool ref_reaches(const struct api_reference *api, unsigned endpoint, uint64_t page, bool write,
                 uint64_t *frame);
/* The kind of the refusal there; *also is a second that is right too. */
FAULT_INFORMATION_X64_TYPE ref_refusal(const struct api_reference *api, unsigned endpoint,
                                       uint64_t page, FAULT_INFORMATION_X64_TYPE *also);

/* Objects, for whoever has to compare or clear them. NULL: no such object of anyone. */
const struct ref_domain *ref_domain_of(const struct api_reference *api, ref_handle domain);
const struct ref_token *ref_token_of(const struct api_reference *api, ref_handle token);

#endif
