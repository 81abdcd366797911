// SPDX-License-Identifier: MIT
/*
 * What tests of the virtio balloon share: one balloon below a device made of memory, and the
 * comparison of all books when it goes away.
 */
#ifndef TESTS_DRIVERS_VIRTIO_BALLOON_FIXTURE_H
#define TESTS_DRIVERS_VIRTIO_BALLOON_FIXTURE_H

#include <drivers/balloon/virtio_balloon.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/test.h>
#include <tests/wait.h>

extern struct fake_virtio *host;

/* A host that behaves, before its device is attached; then attached. */
void host_create(void);
void host_attach(void);
/* The balloon of the device. */
struct virtio_balloon *host_balloon(void);
/* The device's thread has heard what there was to hear, and sleeps; nobody waits for the host.
 * Before that it may look at the configuration once more, with the balloon's lock held, though
 * the host has what it wants: it read a target before it heard of it. */
bool balloon_rests(struct virtio_balloon *balloon);
/* The host wants so many units and has them, as it and the guest say; the thread rests. */
void balloon_resize(struct virtio_balloon *balloon, struct fake_virtio *fake, uint32_t units);
void host_resize(uint32_t units);
/* The device goes; nothing may be lent, lost or wrong in any book. */
void host_detach(void);

#endif
