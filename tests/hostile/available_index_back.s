# The available index goes back (virtio 1.2, 2.7.6.1).
.include "guest.inc"

image "available_index_back"
    decw transmit_available + 2
    notify
    jmp rest
