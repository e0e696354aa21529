# For tests that source it: images in Fashion-MNIST's form that are inflated in a third of the time of the true ones, for
# commands that read them again and again. Made once a build, as $BITDIAL_DATA.
BITDIAL_DATA=$PWD/${BITDIAL_BUILD:-build}/fashion
(
    flock 9
    [ "$BITDIAL_DATA/done" -nt "${BITDIAL_BUILD:-build}/images" ] ||
        { "${BITDIAL_BUILD:-build}/images" fashion "$BITDIAL_DATA" && touch "$BITDIAL_DATA/done"; }
) 9>"$BITDIAL_DATA.lock" || exit 3
export BITDIAL_DATA
