# Notifies a device that is not live yet: it must not use anything (virtio 1.2, 2.1.2).
.include "guest.inc"

image "notify_before_driver_ok"
    call negotiate
    queue receive
    ready
    queue transmit
    ready
    message 0, empty_frame
    offer 0
    notify
    movl $10000, %ecx
1:  loop 1b
    movw transmit_used + 2, %bp
    call connect
    testw %bp, %bp
    jnz 1f
    exit
1:  exit 1
