"""A fixed catalogue of devices: the tests of the language must not move when profiles are added."""

from autocompress.request import DeviceNames

CATALOGUE = DeviceNames(
    {
        "apple-a15": ("Apple A15 Bionic", "A15", "苹果 A15", "iPhone 13"),
        "apple-a17-pro": ("Apple A17 Pro", "A17 Pro", "iPhone 15 Pro", "苹果 15 Pro", "iPhone 15 Pro Max"),
        "apple-m1": ("Apple M1", "M1", "苹果 M1"),
        "raspberry-pi-5": ("Raspberry Pi 5", "树莓派 5", "Pi 5", "BCM2712"),
        "snapdragon-7-gen-3": (
            "Snapdragon 7 Gen 3",
            "骁龙 7 Gen 3",
            "SM7550",
            "SM7550-AB",
            "Honor 100",
            "荣耀 100",
        ),
        "snapdragon-7-plus-gen-3": ("Snapdragon 7+ Gen 3", "骁龙 7+ Gen 3", "SM7675"),
        "snapdragon-8-gen-3": ("Snapdragon 8 Gen 3", "骁龙 8 Gen 3", "SM8650", "Xiaomi 14", "小米 14"),
        "tensor-g3": ("Google Tensor G3", "Pixel 8 Pro", "Pixel 8"),
    }
)
