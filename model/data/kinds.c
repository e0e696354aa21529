/* What is known of each data set before a file is read, and whether its files are there. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/core/memory.h"
#include "model/data/loaders.h"

const char *const bd_split_names[3] = {"train", "validation", "test"};

#define AT(member) offsetof(struct bd_data_spec, member)
const struct bd_field bd_data_fields[] = {
    {"kind", BD_FIELD_ENUM, AT(kind), 0, 0, "fashion-mnist", BD_DATA_CHOICES, NULL, "which data set"},
    {"folder", BD_FIELD_PATH, AT(folder), 0, 4096, "", NULL, NULL, "its files; default $BITDIAL_DATA, else its own"},
    {"validation", BD_FIELD_INT, AT(validation), -1, 1 << 30, "-1", NULL, NULL,
     "training images held out; -1: as many as is usual for the data set"},
    {"size", BD_FIELD_INT, AT(size), 0, 1024, "0", NULL, NULL,
     "side that imagenet's images are cut to; 0: the network's"},
    {0},
};
#undef AT

static const struct bd_data_about abouts[BD_DATA_KINDS] = {
    [BD_DATA_FASHION_MNIST] = {"fashion-mnist", "Fashion-MNIST", "https://github.com/zalandoresearch/fashion-mnist",
                               BD_FASHION_MNIST_FOLDER,
                               "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
                               "t10k-labels-idx1-ubyte.gz (Debian's package dataset-fashion-mnist has them)",
                               5000},
    [BD_DATA_CIFAR10] = {"cifar10", "CIFAR-10, binary version", "https://www.cs.toronto.edu/~kriz/cifar.html",
                         "data/cifar-10-batches-bin",
                         "data_batch_1.bin .. data_batch_5.bin and test_batch.bin (30730000 bytes each)", 5000},
    [BD_DATA_CIFAR100] = {"cifar100", "CIFAR-100, binary version", "https://www.cs.toronto.edu/~kriz/cifar.html",
                          "data/cifar-100-binary", "train.bin (153700000 bytes) and test.bin (30740000 bytes)", 5000},
    [BD_DATA_TINY_IMAGENET] = {"tiny-imagenet", "Tiny ImageNet", "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
                               "data/tiny-imagenet-200",
                               "wnids.txt (200 lines), train/<wnid>/images/*.JPEG (500 of 64x64 each), "
                               "val/val_annotations.txt and val/images/*.JPEG (10000)",
                               5000},
    [BD_DATA_IMAGENET] = {"imagenet", "ImageNet (ILSVRC 2012)", "https://image-net.org/download.php", "data/imagenet",
                          "train/<wnid>/*.JPEG (1000 folders, 1281167 images) and val/<wnid>/*.JPEG (50000), or "
                          "val/*.JPEG with LOC_val_solution.csv or val/val_annotations.txt",
                          10000},
};

const struct bd_data_about *bd_data_about(int kind)
{
    return &abouts[kind];
}

int bd_data_kind(const char *name)
{
    for (int kind = 0; kind < BD_DATA_KINDS; kind++) {
        if (!strcmp(abouts[kind].name, name)) {
            return kind;
        }
    }
    return -1;
}

const char *bd_data_folder(const struct bd_data_spec *spec)
{
    const char *named = getenv("BITDIAL_DATA");
    return spec->folder && *spec->folder ? spec->folder : named && *named ? named : abouts[spec->kind].folder;
}

/* ---- what is there ---- */

/* A file or folder of each part; the first that is missing is told. */
static const char *const needed[BD_DATA_KINDS][4] = {
    [BD_DATA_FASHION_MNIST] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
                               "t10k-labels-idx1-ubyte.gz"},
    [BD_DATA_CIFAR10] = {"data_batch_1.bin", NULL, "test_batch.bin", NULL},
    [BD_DATA_CIFAR100] = {"train.bin", NULL, "test.bin", NULL},
    [BD_DATA_TINY_IMAGENET] = {"wnids.txt", "train", "val/val_annotations.txt", "val/images"},
    [BD_DATA_IMAGENET] = {"train", NULL, "val", NULL},
};

bd_status bd_data_present(const struct bd_data_spec *spec, bool test, struct bd_error *err)
{
    const struct bd_data_about *about = &abouts[spec->kind];
    const char *folder = bd_data_folder(spec);
    for (int i = 0; i < 2; i++) {
        const char *name = needed[spec->kind][2 * test + i];
        char *path = bd_asprintf("%s/%s", folder, name ? name : "");
        struct stat file;
        bool there = !name || stat(path, &file) == 0;
        free(path);
        if (!there) {
            return bd_fail(err, BD_BAD_INPUT,
                           "'%s/%s' is missing: %s is expected in '%s' as %s, from %s; another folder is named by "
                           "'folder' in the configuration, --folder or --data, or $BITDIAL_DATA",
                           folder, name, about->title, folder, about->layout, about->home);
        }
    }
    return BD_OK;
}
