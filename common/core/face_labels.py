"""What face parsing tells apart: the classes of CelebAMask-HQ, in the order of the released networks' outputs.

CelebAMask's own names: l_ and r_ are left and right, eye_g glasses, ear_r an earring, neck_l a necklace, u_lip and
l_lip the upper and the lower lip. On heads of ours left is the person's left.
"""

PARTS = (
    "background",
    "skin",
    "l_brow",
    "r_brow",
    "l_eye",
    "r_eye",
    "eye_g",
    "l_ear",
    "r_ear",
    "ear_r",
    "nose",
    "mouth",
    "u_lip",
    "l_lip",
    "neck",
    "neck_l",
    "cloth",
    "hair",
    "hat",
)
