"""How the authors of RigFace prepare a photo: with networks and models that users fetch from those who own them.

    from rigface.released.files import find_files
    from rigface.released.reconstruct import Released

    released = Released.from_files(find_files("licensed/"))
    editor = RigFace.from_pretrained(reconstructor=released)

DECA (Feng et al. 2021, "Learning an animatable detailed 3D face model from in-the-wild images") says what FLAME's head
looks like and how it is lit, and D3DFR which expression it has, in the numbers of the Basel face model.
"""
