/* SPDX-License-Identifier: BSD-2-Clause-Patent */
#ifndef TESTS_API_LIST_H
#define TESTS_API_LIST_H

/*
 * The behaviours of the domain API that are judged: API(number, need, routine, claim), in the order
 * of the reference. Numbers are stable and never given again. A claim is shorter than
 * RESULTS_REASON_LENGTH.
 */
/* clang-format off */
#define API_LIST(API)                                                                              \
    /* Acquisition */                                                                              \
    API(1, NOTHING, acquire_tables, "each version has its size, its number and all its routines") \
    API(2, NOTHING, acquire_size, "a table of version 1 is written up to its own size")            \
    API(3, NOTHING, acquire_versions, "version 0 and one beyond the last are refused")             \
    API(4, NOTHING, acquire_flags, "flags other than 0 are refused")                               \
    API(5, ONE, acquire_prefix, "the first 22 routines of version 3 are those of version 2")       \
    API(6, NOTHING, acquire_legacy, "the legacy structure has no interface header")                \
    /* Domain creation and deletion */                                                             \
    API(7, PASS_THROUGH, create_types, "a domain of every available type is made")                 \
    API(8, NOTHING, create_barred, "a type that is not available is refused")                      \
    API(9, NOTHING, create_arguments, "bad arguments of CreateDomainEx are told by position")      \
    API(10, NOTHING, create_unmanaged_limit, "unmanaged domains run out, others do not")           \
    API(11, NOTHING, create_without_memory, "without memory no domain is made, nothing is lost")   \
    API(12, ONE, delete_attached, "a domain with a device is not deleted and still serves")        \
    API(13, ONE, delete_detached, "a domain is deleted once its last device is detached")          \
    API(14, NOTHING, delete_with_token, "a domain with a live token is not deleted")               \
    API(15, NOTHING, delete_across, "each version deletes the domains of the other")               \
    API(16, NOTHING, create_width, "an allocator has 13 to 63 bits")                               \
    API(17, ONE, region_mapped, "a reserved region is mapped to itself only when it should be")    \
    API(18, NOTHING, region_avoided, "no allocated address lies in a reserved region")             \
    API(19, ONE, region_stays, "with an allocator only a region is mapped to itself")              \
    API(20, NOTHING, region_bad, "an impossible reserved region is refused")                       \
    /* Devices */                                                                                  \
    API(21, NOTHING, device_outside, "a device that no unit guards is not found")                  \
    API(22, ONE, device_acpi, "an ACPI configuration is refused for a PCI device")                 \
    API(23, ARM64, device_acpi_missing, "an ARM64 ACPI device needs a configuration")              \
    API(24, ARM64, device_acpi_given, "an ARM64 ACPI device is made with its configuration")       \
    API(25, ONE, device_pasid, "a PASID configuration is refused where PASIDs are not driven")     \
    API(26, ONE, device_delete_attached, "an attached device is not deleted and stays attached")   \
    API(27, ONE, device_delete_watching, "a device with a callback is not deleted")                \
    API(28, PASID, device_delete_parent, "a device with PASID devices is not deleted")             \
    API(29, ONE, device_delete, "a device is deleted once detached and unregistered")              \
    /* Attach and detach */                                                                        \
    API(30, ONE, detach_fresh, "a device that was never attached is not detached")                 \
    API(31, ONE, attach_second, "an attached device stays where it is")                            \
    API(32, ONE, attach_again, "a device is not attached to its own domain again")                 \
    API(33, ONE, detach_twice, "a device is detached once")                                        \
    API(34, ONE, attach_moves, "after a move only the second domain is in reach")                  \
    API(35, PASS_THROUGH, attach_barred, "pass-through is refused while the guard blocks it")      \
    API(36, TWO, attach_shared, "two devices share a domain, and part without harm")               \
    API(37, ONE, attach_mapping_ids, "mapping ids are refused for a PCI device")                   \
    API(38, ARM64, attach_mapping_group, "a group of mapping ids is detached as a whole")          \
    API(39, PASS_THROUGH, attach_fails, "an attach that fails leaves the device unattached")       \
    /* Mapping without an allocator */                                                             \
    API(40, NOTHING, map_no_address, "without an allocator an address is required")                \
    API(41, NOTHING, map_address_unaligned, "an address that is not page aligned is refused")      \
    API(42, NOTHING, map_memory_unaligned, "memory that is not whole pages is refused")            \
    API(43, NOTHING, map_mdl_unaligned, "an MDL that is not whole pages is refused")               \
    API(44, ONE, map_overlap, "a live page is not mapped over")                                    \
    API(45, ONE, map_explicit, "memory is mapped at the address that was asked for")               \
    API(46, NOTHING, map_bounds_ignored, "with an address, minimum and maximum are ignored")       \
    API(47, PASS_THROUGH, map_wrong_type, "only a remapping domain maps")                          \
    API(48, ONE, map_scattered, "scattered frames are reached at consecutive addresses")           \
    API(49, ONE, map_permissions, "a device reads and writes only as permitted")                   \
    API(50, NOTHING, map_reserved_permissions, "reserved permission bits are refused")             \
    API(51, NOTHING, map_first_version, "version 1 tells its bad arguments by position")           \
    API(52, PASS_THROUGH, unmap_arguments, "bad arguments of an unmap are told by position")       \
    API(53, ONE, unmap_reaches_device, "after an unmap the device reaches nothing")                \
    API(54, ONE, unmap_partial, "an unmap takes any wholly mapped part, else nothing")             \
    API(55, ONE, map_without_memory, "a map that runs out of memory leaves no page mapped")        \
    /* Mapping with an allocator */                                                                \
    API(56, NOTHING, buddy_explicit, "an allocator takes no address from the caller")              \
    API(57, NOTHING, buddy_identity, "a domain with an allocator maps no identity")                \
    API(58, NOTHING, buddy_alignment, "addresses are aligned to the size, and low")                \
    API(59, NOTHING, buddy_window, "minimum and maximum are inclusive")                            \
    API(60, NOTHING, buddy_impossible, "an impossible window is refused")                          \
    API(61, NOTHING, buddy_width, "no address lies beyond the allocator's width")                  \
    API(62, ONE, buddy_reuse, "an unmapped address is given again")                                \
    API(63, NOTHING, buddy_order, "the domain is judged before the address")                       \
    /* Identity */                                                                                 \
    API(64, ONE, identity_map, "an identity range has logical = physical")                         \
    API(65, NOTHING, identity_overlap, "an identity range is not mapped over")                     \
    API(66, NOTHING, identity_unaligned, "memory that is not whole pages is refused")              \
    API(67, PASS_THROUGH, identity_pass_through, "with pass-through identity changes nothing")     \
    API(68, NOTHING, identity_unmanaged, "an unmanaged domain maps no identity")                   \
    API(69, ONE, identity_over_explicit, "an identity range spares a live mapping")                \
    /* Reserved logical ranges */                                                                  \
    API(70, PASS_THROUGH, reserve_wrong_type, "only a remapping domain reserves addresses")        \
    API(71, NOTHING, reserve_arguments, "bad arguments of a reservation are told by position")     \
    API(72, NOTHING, reserve_overlap, "a reserved or mapped range is not reserved again")          \
    API(73, ONE, reserve_unmapped, "a reserved range that is not mapped is out of reach")          \
    API(74, NOTHING, segment_arguments, "bad arguments of a segment are told by position")         \
    API(75, ONE, segment_overlap, "segments of a token may touch, not overlap")                    \
    API(76, NOTHING, segment_beyond, "a segment does not leave its token")                         \
    API(77, ONE, segment_without_memory, "segments are mapped and unmapped without memory")        \
    API(78, NOTHING, segment_tables, "an unmapped segment leaves its tables")                      \
    API(79, NOTHING, segment_untouched, "a segment that fails is not written")                     \
    API(80, NOTHING, segment_twice, "a segment is unmapped once")                                  \
    API(81, NOTHING, token_in_use, "a token with a mapped segment is not freed")                   \
    API(82, NOTHING, token_race, "a token is never both mapped and freed")                         \
    API(83, NOTHING, token_fields, "a token tells its address and size")                           \
    /* Unmanaged domains */                                                                        \
    API(84, NOTHING, configure_managed, "only an unmanaged domain is configured")                  \
    API(85, NOTHING, configure_x64, "an x64 configuration is refused")                             \
    API(86, ONE, unmanaged_blocks, "an unmanaged domain blocks all DMA")                           \
    API(87, ARM64, configure_bypass, "a configured domain lets DMA bypass the first stage")        \
    API(88, ARM64, flush_renews, "a flush makes the caller's table take effect")                   \
    API(89, ARM64, flush_listed, "a flush by list touches the listed pages")                       \
    API(90, NOTHING, flush_managed, "only an unmanaged domain is flushed")                         \
    API(91, NOTHING, flush_high, "a flush takes no lock")                                          \
    /* Availability and state changes */                                                           \
    API(92, ONE, types_bits, "the mask of available types has four bits")                          \
    API(93, PASS_THROUGH, types_guard, "the guard decides the bit of pass-through")                \
    API(94, ONE, types_without_unit, "without a working unit no remapping type is available")      \
    API(95, ONE, callback_first, "registering runs the callback once, with the current mask")      \
    API(96, ONE, callback_second, "a device has one callback")                                     \
    API(97, ONE, callback_fields, "a callback needs a field of interest")                          \
    API(98, PASS_THROUGH, callback_change, "a change of the guard runs the callback")              \
    API(99, PASS_THROUGH, callback_no_change, "without a change of the mask no callback runs")     \
    API(100, ONE, callback_unknown, "a callback that is not registered is not taken off")          \
    API(101, PASS_THROUGH, callback_silent, "no callback runs once it is taken off")               \
    API(102, PASS_THROUGH, callback_context, "a callback runs as its driver and sees its mask")    \
    /* Faults */                                                                                   \
    API(103, ONE, fault_extended, "the extended routine is not implemented")                       \
    API(104, ONE, fault_handler, "a refused access reaches the driver's handler")                  \
    API(105, ONE, fault_permission, "a write to a read-only page is a permission fault")           \
    API(106, ONE, fault_disabled, "a handler that was taken off is not run")                       \
    API(107, ONE, fault_unattached, "a device that is not attached reports no faults")             \
    API(108, ONE, fault_reset, "a detach takes the handler off")                                   \
    /* PASID */                                                                                    \
    API(109, ONE, pasid_untagged, "without tagged DMA no PASID device is made")                    \
    API(110, PASID, pasid_create, "PASID devices have distinct ids")                               \
    API(111, PASID, pasid_exhausted, "PASIDs run out")                                             \
    API(112, PASID, pasid_attach_twice, "an attached PASID device is not attached again")          \
    API(113, PASID, pasid_attach_type, "a PASID device attaches to a suitable domain")             \
    API(114, PASID, pasid_detach_fresh, "a PASID device that is not attached is not detached")     \
    API(115, PASID, pasid_delete, "an attached PASID device is not deleted")                       \
    API(116, ONE, pasid_information, "what a device can do is told in three bytes")                \
    API(117, PASID, pasid_flags, "the flags reflect the configuration")                            \
    API(118, PASID, pasid_two_domains, "PASIDs keep two domains apart")                            \
    /* Input mappings */                                                                           \
    API(119, ARM64, input_small, "a short buffer for input mappings is refused")                   \
    API(120, ARM64, input_no_length, "input mappings come without the length too")                 \
    API(121, ONE, input_unsupported, "there are no input mappings but on ARM64")
/* clang-format on */

#define API_COUNT 121

#endif
