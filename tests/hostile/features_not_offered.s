# Accepts all features there are: the device must not agree (virtio 1.2, 2.2.2).
.include "guest.inc"

image "features_not_offered"
    reset
    movl $ACKNOWLEDGE | DRIVER, STATUS
    movl $0, DRIVER_FEATURES_SEL
    movl $-1, DRIVER_FEATURES
    movl $1, DRIVER_FEATURES_SEL
    movl $-1, DRIVER_FEATURES
    movl $2, DRIVER_FEATURES_SEL
    movl $-1, DRIVER_FEATURES
    movl $ACKNOWLEDGE | DRIVER | FEATURES_OK, STATUS
    movl STATUS, %ebp
    call connect
    testl $FEATURES_OK, %ebp
    jnz 1f
    exit
1:  exit 1
