# The used ring of the receive queue lies where there is no memory.
.include "guest.inc"

image "receive_used_ring_outside_of_memory"
    call negotiate
    queue receive
    place QUEUE_DEVICE, NOWHERE
    ready
    queue transmit
    ready
    driver_ok
    descriptor receive_descriptors, 0, buffer, 4096, WRITE
    receive 0
    exit
