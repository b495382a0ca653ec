/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef IOMMU_CHOICES_H
#define IOMMU_CHOICES_H

/*
 * Every point that the published pages and the WDK header leave open or contradict each other on,
 * decided once: the choices that the declarations mark with C. _n is STATUS_INVALID_PARAMETER_n, n
 * the position of the argument. What holds for a single routine only stands beside it.
 *
 * For all routines:
 *
 *   order of checks               form of the arguments by position;  a caller can predict the
 *                                 then whether the place is usable,   code
 *                                 whether the allocator allows it,
 *                                 ownership, overlap, memory
 *   a code for each argument      STATUS_INVALID_PARAMETER_n, n its   as for those that are
 *                                 position, where no other is
 *                                 documented
 *   caller's structures           copied in once, lists read once     they may change underneath
 *   handles                       values, not pointers: index,        a stale or foreign one
 *                                 generation, owner and kind          fails
 *   frames                        each must be the caller's own,      a device reaches what its
 *                                 else STATUS_ACCESS_DENIED           driver may reach, no more
 *   a wait for hardware ran out   STATUS_IO_DEVICE_ERROR; never       no listed code says it
 *                                 gives access back: what was being
 *                                 unmapped stays so and is not
 *                                 reused, the devices of the unit
 *                                 are stopped
 *
 * Where page and header disagree:
 *
 *   1   legacy structure:           none; the header's order            a driver is compiled with
 *       INTERFACE part, field                                           the header
 *       order
 *   2   attach of an attached       STATUS_INVALID_PARAMETER            the page; the header lists
 *       device                                                          no other
 *   3   device behind no IOMMU      STATUS_NOT_FOUND                    named by both
 *   4   hypervisor codes from       never                               there is no hypervisor
 *       CreateDevice                                                    below
 *   5   device configuration on     any: STATUS_INVALID_PARAMETER_2     the page; PASID, which the
 *       x64                                                             newer header has in mind,
 *                                                                       is not driven
 *   6   what keeps DeleteDevice     attached, or a callback registered  the header adds it to the
 *       from deleting                                                   page's
 *   7   code of free and map of a   STATUS_RESOURCE_IN_USE              the page; the header's
 *       reserved range in use                                           name has no value
 *   8   _2 and UNSUCCESSFUL of map  returned                            the page; the header
 *       reserved                                                        forbids neither
 *   9   reserve without memory      STATUS_INSUFFICIENT_RESOURCES       the header
 *   10  map and unmap in a          _1; identity: nothing to do,        as the identity pages say
 *       passthrough domain          success
 *   11  domain types of map and     DomainTypeTranslate                 the only one with a table
 *       reserve                                                         of the system's here
 *   12  DomainTypeTranslateS1       STATUS_NOT_SUPPORTED, and absent    no first stage is driven
 *                                   from every mask
 *   13  second registration         STATUS_UNSUCCESSFUL whatever the    the page: one for a device
 *                                   function is
 *   14  fault reporting by version  STATUS_NOT_IMPLEMENTED              the page
 *       2
 *   15  codes of the version 1      the header's, and those of the Ex   the same core serves both
 *       maps                        forms
 *   16  type not allowed at         STATUS_NOT_SUPPORTED                the page
 *       creation
 *   17  IRQL where the page is      the header's                        a caller has no better
 *       blank                                                           promise
 *   18  STATUS_IN_USE               STATUS_RESOURCE_IN_USE              the first has no value;
 *                                                                       the pages use both for one
 *                                                                       condition
 *   19  enumerators of IOMMU_MAP_P  with "Type"                         the header
 *       HYSICAL_ADDRESS_TYPE
 *   20  release of the deprecation  the gate NTDDI_WIN10_FE             the header; it decides
 *                                                                       what compiles
 *
 * Where all sources are silent:
 *
 *   1   codes of                    version not 1: _1; NULL: _2; no     position; a table that
 *       IoGetIommuInterface         active unit: STATUS_NOT_SUPPORTED   cannot make a domain helps
 *                                                                       nobody
 *       codes of                    version: _1; Flags: _2; NULL: _3;   position; its routines say
 *       IoGetIommuInterfaceEx       else success, without an IOMMU too  what is missing
 *   2   DeleteDomain with devices   STATUS_RESOURCE_IN_USE              as DeleteDevice
 *       or tokens
 *       V1 CreateDomain             the codes of CreateDomainEx; NULL:  it is the same
 *                                   _2
 *       V1 AttachDevice             domain _1, PDO _2, base _3, count   position
 *                                   _4, then as AttachDeviceEx
 *       V1 attach without, or       uses the caller's device of the     one device for a PDO
 *       beside, CreateDevice        PDO, else makes one until detach
 *       V1 DetachDevice             domain bad or another one _1, PDO   position
 *                                   bad or not attached _2, id _3
 *       flush of a domain of the    _1                                  as ConfigureDomain
 *       system's
 *       SetDeviceFaultReporting     PDO bad or not attached _1, base    position; a handler never
 *                                   _2, no handler _4; again replaces;  outlives what it was set
 *                                   off is always right; detach ends    for
 *                                   it
 *   3   NULL for a required         _n                                  position
 *       pointer
 *       invalid handle              _n                                  position, as for a wrong
 *                                                                       type
 *       invalid enumerator, non-    _n                                  position
 *       zero flags, reserved
 *       permission bits
 *       no permission at all        a live mapping that refuses every   it keeps its range
 *                                   access
 *       size of zero, overflow      _n                                  nothing is asked for, or
 *                                                                       nothing that exists
 *       an MDL whose Size does not  _n of the MDL                       it is not all there
 *       cover its frames
 *   4   unmap of what is not        STATUS_INVALID_PARAMETER_MIX,       all or nothing
 *       mapped, or only in part     nothing changed
 *       unmap of another size than  any whole pages; with an allocator  the allocator gives out
 *       was mapped                  exactly one mapping                 whole ranges
 *       unmap in a token's range    STATUS_INVALID_PARAMETER_MIX        they have their own ends
 *       or a reserved region
 *       large pages, coalescing     used and split unseen               a matter of speed
 *   5   order of checks             see above
 *   6   outputs on failure          untouched                           a failure changes nothing
 *   7   does the allocator round    aligns to the power of two, takes   no address is wasted
 *       sizes up                    the pages asked for
 *       exhausted without Min and   STATUS_INSUFFICIENT_RESOURCES       _MIX blames arguments that
 *       Max                                                             were not given
 *       unaligned Min and Max       Min up, Max down, to a page         no page lies outside
 *       Min and Max beside an       ignored                             without an allocator the
 *       explicit address                                                page says so
 *       address 0                   never given out                     it looks like a failure
 *   8   reserved regions:           read and write                      what identity mappings are
 *       permissions                                                     for
 *       end of the list             NULL; at most 32, so a loop is      no other mark exists
 *                                   refused: _4
 *       overlap, unaligned, empty,  _4                                  position
 *       wrapping, beyond the
 *       window
 *       over the interrupt window,  _4                                  they are never the
 *       or firmware's regions                                           caller's
 *       without an allocator,       reserved all the same: later maps   the name says so
 *       ShouldMap FALSE             are in use
 *       allocator or regions with   _3, _4                              there is no table to keep
 *       PassThrough or Unmanaged                                        them in
 *   9   end of NextConfiguration,   not asked: any configuration is     see 6.5
 *       meaning of DeviceId         refused
 *   10  elements of VaList          Number page-aligned addresses of    what an address is
 *                                   pointer size; else _4               elsewhere here
 *       lengths of                  bytes                               the parameter is a length
 *       QueryInputMappings
 *       QueryInputMappings on x64   PDO _1, Buffer _2, else             the page's code for what
 *                                   STATUS_UNSUCCESSFUL                 cannot be
 *       does flush, does unmap,     both have completed when they       the caller has no other
 *       wait                        return                              fence
 *   11  what a detached device      nothing but regions that firmware   default deny
 *       reaches                     demands
 *       PassThrough withdrawn       it stays attached; new attaches     an attach is the driver's
 *       under an attached device    are refused; the callback tells     to end
 *   12  PASID                       not driven: no part of a device     each answer is a
 *                                   can exist; masks and information    documented one
 *                                   say so
 *   13  first call of the callback  before Register returns,            closes the race that the
 *                                   PresentFields as registered         page names
 *       calls from inside the       all, Unregister too; what attaches  it does not wait for
 *       callback                    by PDO, detaches, deletes,          itself; two that did it
 *                                   registers, unregisters or sets      crosswise would wait for
 *                                   fault reporting: for the            each other
 *                                   callback's own device only
 *       does Unregister wait for a  yes                                 the context may be freed
 *       running call                                                    then
 *       what the callback is told   changes of the mask when the        the calls on a unit that
 *                                   policy (the guard) changes          failed say so themselves
 *       a change that leaves the    no call                             nothing changed for the
 *       mask as it was                                                  device
 *   14  versions above 3            refused: _1                         none is published
 *   15  IRQL of reserve, free,      PASSIVE_LEVEL                       the narrowest promise
 *       configure, query, fault
 *       reporting
 *       IRQL of map and unmap       DISPATCH_LEVEL                      as the other maps; they
 *       reserved                                                        allocate nothing
 *       IRQL of flush by list       HIGH_LEVEL                          as FlushDomain
 *   16  a sample driver             none is known; one of this
 *                                   project's own is in drivers/
 *       kinds of fault on x64       TranslationFault, PermissionFault,  what second-stage units
 *                                   AddressSizeFault,                   tell apart
 *                                   UnsupportedUpstreamTransaction,
 *                                   ExternalFault
 *       DomainHandle of a fault     the PIOMMU_DMA_DOMAIN of the        the page's handle is of
 *                                   device                              another interface
 *       number of unmanaged         16 at once                          they must not use up the
 *       domains                                                         ids of the others
 *       live mappings at            go with it                          no device can reach them
 *       DeleteDomain
 *       second device for a PDO     STATUS_RESOURCE_IN_USE              one owner of the
 *                                                                       attachment
 *       which pages unmap identity  the logical ones, whatever they     an address names a page
 *       takes out                   map; twice listed counts once
 *       map identity of a frame     STATUS_RESOURCE_IN_USE              the second finds it mapped
 *       listed twice
 *       map reserved beyond the     STATUS_INVALID_PARAMETER_MIX        offset and size are each
 *       token                                                           valid
 *       the unmapped segment        zeroed                              it names no token any more
 */

#endif
