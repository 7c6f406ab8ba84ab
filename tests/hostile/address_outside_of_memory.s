# A descriptor where there is nothing.
.include "guest.inc"

image "address_outside_of_memory"
    descriptor transmit_descriptors, 0, NOWHERE, 64
    transmit 0
    exit
