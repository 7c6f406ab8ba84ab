# A descriptor in the device's own registers.
.include "guest.inc"

image "address_in_the_device"
    descriptor transmit_descriptors, 0, DEVICE, 64
    transmit 0
    exit
