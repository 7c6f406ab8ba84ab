# A buffer for input in the device's own registers.
.include "guest.inc"

image "receive_address_in_the_device"
    call open_port
    descriptor receive_descriptors, 0, DEVICE, 512, WRITE
    receive 0
    exit
