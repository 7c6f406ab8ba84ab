# A device-readable buffer in a receive queue (virtio 1.2, 5.3.6.1).
.include "guest.inc"

image "readable_descriptor_in_the_receive_queue"
    call open_port
    descriptor receive_descriptors, 0, buffer, 4096
    receive 0
    exit
