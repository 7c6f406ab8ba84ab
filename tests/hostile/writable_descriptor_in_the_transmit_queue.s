# A device-writable buffer in a transmit queue (virtio 1.2, 5.3.6.1).
.include "guest.inc"

image "writable_descriptor_in_the_transmit_queue"
    descriptor transmit_descriptors, 0, buffer, 64, WRITE
    transmit 0
    exit
