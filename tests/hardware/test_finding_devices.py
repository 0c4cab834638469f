"""Devices are found by whatever people call them, and never taken for a neighbour."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autocompress.errors import ProfileError
from autocompress.hardware.library import canonical, find_device, list_profiles, names_of

CALLED = [
    ("骁龙7 Gen3", "snapdragon-7-gen-3"),
    ("骁龙 7 第三代", "snapdragon-7-gen-3"),
    ("第三代骁龙7移动平台", "snapdragon-7-gen-3"),
    ("SM7550", "snapdragon-7-gen-3"),
    ("sm7550-ab", "snapdragon-7-gen-3"),
    ("Snapdragon 7 Gen3", "snapdragon-7-gen-3"),
    ("SD7G3", "snapdragon-7-gen-3"),
    ("Qualcomm® Snapdragon™ 7 Gen 3", "snapdragon-7-gen-3"),
    ("ＳＮＡＰＤＲＡＧＯＮ ７ Ｇｅｎ ３", "snapdragon-7-gen-3"),
    ("snapdragon 7 third generation", "snapdragon-7-gen-3"),
    ("Honor 100", "snapdragon-7-gen-3"),
    ("荣耀100", "snapdragon-7-gen-3"),
    ("Snapdragon 7+ Gen 3", "snapdragon-7-plus-gen-3"),
    ("骁龙7+ Gen3", "snapdragon-7-plus-gen-3"),
    ("Snapdragon 7 Plus Gen 3", "snapdragon-7-plus-gen-3"),
    ("小米14", "snapdragon-8-gen-3"),
    ("骁龙8至尊版", "snapdragon-8-elite"),
    ("第二代骁龙8", "snapdragon-8-gen-2"),
    ("iPhone 15 Pro", "apple-a17-pro"),
    ("iphone15", "apple-a16"),
    ("A17 Pro", "apple-a17-pro"),
    ("Pixel 8", "tensor-g3"),
    ("Google Tensor G3", "tensor-g3"),
    ("Raspberry Pi 4", "raspberry-pi-4"),
    ("Raspberry Pi 4 Model B", "raspberry-pi-4"),
    ("树莓派4", "raspberry-pi-4"),
    ("树莓派 5", "raspberry-pi-5"),
    ("rpi4", "raspberry-pi-4"),
    ("天玑8300", "dimensity-8300"),
    ("Dimensity 8300-Ultra", "dimensity-8300"),
    ("Poco X6 Pro", "dimensity-8300"),
    ("Redmi K70E", "dimensity-8300"),
    ("麒麟9000S", "kirin-9000s"),
    ("华为 Mate 60 Pro", "kirin-9000s"),
    ("W5+ Gen 1", "snapdragon-w5-plus-gen-1"),
    ("SW5100", "snapdragon-w5-plus-gen-1"),
    ("RK3588", "rk3588"),
    ("香橙派5", "rk3588"),
    ("Apple M1", "apple-m1"),
]


@pytest.mark.parametrize(("text", "device"), CALLED)
def test_a_device_is_found_by_what_people_call_it(text, device) -> None:
    assert find_device(text).id == device


@pytest.mark.parametrize(
    "text",
    [
        "Snapdragon 8s Gen 3", "骁龙8s Gen3", "Snapdragon 7s Gen 3", "7s Gen 2", "Snapdragon 7 Gen 1",
        "Snapdragon 7", "Snapdragon 8 Elite Gen 5", "Kirin 9000", "Raspberry Pi", "Raspberry Pi 3",
        "iPhone 16", "Pixel 9", "M10", "toaster", "", "+",
    ],
)  # fmt: skip
def test_a_neighbour_is_refused_with_the_nearest_three(text) -> None:
    with pytest.raises(ProfileError) as caught:
        find_device(text)
    assert str(caught.value).count("(") >= 3


def test_the_nearest_of_8s_gen_3_is_8_gen_3() -> None:
    with pytest.raises(ProfileError, match=r"Nearest profiles: Snapdragon 8 Gen 3 "):
        find_device("Snapdragon 8s Gen 3")


def test_no_name_belongs_to_two_devices() -> None:
    owners = defaultdict(set)
    for profile in list_profiles():
        for name in names_of(profile):
            owners[canonical(name)].add(profile.id)
    assert {name: ids for name, ids in owners.items() if len(ids) > 1} == {}


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(CALLED), st.data())
def test_case_and_spaces_do_not_matter(case, data) -> None:
    text, device = case
    changed = "".join(data.draw(st.sampled_from([c.upper(), c.lower()])) for c in text)
    assert find_device(f"  {changed.replace(' ', '  ')} ").id == device
