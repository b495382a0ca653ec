/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef DRIVERS_IOMMU_WDM_HANDLES_H
#define DRIVERS_IOMMU_WDM_HANDLES_H

#include "drivers/iommu/core/core.h"

#include <wdm.h>

/* What the files of wdm share: the one pointer to core's state, and the way from handles to
 * references and from core's outcomes to status codes. */
extern struct iommu *wdm_state __attribute__((visibility("hidden"))); /* NULL: no unit */

/* Handles are core's references in the form of pointers; a PDO names its endpoint. No handle is a
 * valid address. */
static inline iommu_ref_t wdm_reference(const void *handle)
{
    return (iommu_ref_t)(uintptr_t)handle;
}

static inline void *wdm_handle(iommu_ref_t reference)
{
    return (void *)(uintptr_t)reference;
}

/* True when the value may be a PDO, whosever. */
bool wdm_is_pdo(PDEVICE_OBJECT pdo);

/* True when the PDO names a device that the caller's driver is bound to. */
bool wdm_endpoint(PDEVICE_OBJECT pdo, uint16_t *endpoint);

/* Types of domain that serve a call: bit n for enum iommu_domain_type n. */
#define WDM_TRANSLATE (1u << IOMMU_TRANSLATE)
#define WDM_UNMANAGED (1u << IOMMU_UNMANAGED)
#define WDM_IDENTITY  (WDM_TRANSLATE | 1u << IOMMU_PASS_THROUGH)

/* True when the domain is the caller's and of one of the types. */
bool wdm_serves(iommu_ref_t domain, unsigned types);

/* The code for a later argument, unless the first one, the domain, has a code of its own. */
NTSTATUS wdm_refused(iommu_ref_t domain, unsigned types, NTSTATUS status);

/* The codes that mean the same for every routine; the others are the routine's own. */
NTSTATUS wdm_status(enum iommu_status status, NTSTATUS bad_handle);

/* A caller's description of memory, copied in. False: not whole pages, or not all there. */
bool wdm_describe(const IOMMU_MAP_PHYSICAL_ADDRESS *source, struct iommu_memory *out);
bool wdm_describe_mdl(PMDL mdl, struct iommu_memory *out);

/* Whether all permission bits are defined ones. */
static inline bool wdm_is_permission(ULONG permissions)
{
    return !(permissions & ~(ULONG)(IOMMU_ACCESS_READ | IOMMU_ACCESS_WRITE));
}

#endif
