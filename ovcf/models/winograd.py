"""A frozen trunk's 3x3 convolutions with a quarter of the multiplications: Winograd's F(4x4, 3x3).

A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, section 4: a tile of 6 x 6 pixels
becomes 36 products a channel and then 4 x 4 results, where the definition takes 144. No library that torch uses does
so on x86 processors. Sums come in another order, so outputs move by about 1e-5 of the largest.
"""

from collections.abc import Iterator

import torch
from torch import nn

from ovcf.models.folding import replaced, same_function

TILES = 128  # transformed at once: enough for the products to be worth reading their weights, few enough for the cache
LEAST_IN, LEAST_OUT = 64, 128  # channels; with fewer, moving the tiles takes as long as is saved

_INTO = torch.tensor(
    [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0]]
    + [[0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
    dtype=torch.float64,
)  # B^T of the paper's equation
_KERNEL = torch.tensor(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float64
).div(24)  # G
_OUT_OF = torch.tensor(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=torch.float64
)  # A^T


def quartered(trunk: nn.Module) -> nn.Module:
    """Return a trunk whose wide 3x3 convolutions multiply a quarter as often; the given one stays.

    The result is held against the trunk's own output on a sample; where it differs by more than the tolerance of
    `folding`, or nothing is wide enough, the trunk is returned as it is.

    Parameters
    ----------
    trunk : in eval mode, float32, on the processor; takes (n, 3, s, s).
    """
    wide = {name: Winograd(module) for name, module in trunk.named_modules() if _fits(module)}
    if not wide:
        return trunk
    made = replaced(trunk, wide)
    return made if same_function(trunk, made) else trunk


def _fits(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and (module.kernel_size, module.stride, module.dilation, module.groups) == ((3, 3), (1, 1), (1, 1), 1)
        and (module.padding, module.padding_mode) == ((1, 1), "zeros")
        and module.in_channels >= LEAST_IN
        and module.out_channels >= LEAST_OUT
    )


class Winograd(nn.Module):
    """What a 3x3 convolution of stride and padding 1 computes, for inference.

    Parameters
    ----------
    convolution : float32; its weights are transformed here, in double precision.
    """

    def __init__(self, convolution: nn.Conv2d):
        super().__init__()
        weight = convolution.weight.detach().double()  # (k, c, 3, 3)
        k, c = weight.shape[:2]
        spread = torch.einsum("ai,bj,kcij->abck", _KERNEL, _KERNEL, weight).reshape(36, c, k)
        bias = torch.zeros(k) if convolution.bias is None else convolution.bias.detach()
        self.register_buffer("spread", spread.float().contiguous())  # G g G^T, (36, c, k)
        self.register_buffer("bias", bias.clone())
        self.register_buffer("into", torch.kron(_INTO, _INTO).float())  # (36, 36)
        self.register_buffer("out_of", torch.kron(_OUT_OF, _OUT_OF).float())  # (16, 36)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve (n, c, h, w) to (n, k, h, w), channels-last in memory."""
        n, _, h, w = x.shape
        rows, columns = -(-h // 4), -(-w // 4)
        edges = (0, 0, 1, 4 * columns - w + 1, 1, 4 * rows - h + 1)
        padded = nn.functional.pad(x.permute(0, 2, 3, 1), edges)
        out = x.new_empty(n, rows, 4, columns, 4, len(self.bias))
        for images, band in _pieces(n, rows, columns):
            made = self._tiles(_overlapping(padded, images, band, columns))
            torch.add(made, self.bias, out=out[images, band])
        return out.flatten(3, 4).flatten(1, 2)[:, :h, :w].contiguous().permute(0, 3, 1, 2)

    def _tiles(self, tiles: torch.Tensor) -> torch.Tensor:
        """Turn tiles (6, 6, n, rows, columns, c) into results (n, rows, 4, columns, 4, k), without bias."""
        *places, c = tiles.shape[2:]
        spread = torch.mm(self.into, tiles.reshape(36, -1)).view(36, -1, c)  # B^T d B
        products = torch.bmm(spread, self.spread).view(36, -1)
        return torch.mm(self.out_of, products).view(4, 4, *places, -1).permute(2, 3, 0, 4, 1, 5)


def _pieces(n: int, rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Slices of images and of rows of tiles that hold about TILES tiles each."""
    band, together = max(1, min(rows, TILES // columns)), max(1, TILES // (rows * columns))
    for image in range(0, n, together):
        for row in range(0, rows, band):
            yield slice(image, min(n, image + together)), slice(row, min(rows, row + band))


def _overlapping(padded: torch.Tensor, images: slice, band: slice, columns: int) -> torch.Tensor:
    """View (n, h, w, c) as tiles of 6 x 6 pixels that begin every 4: (6, 6, images, rows, columns, c)."""
    image, row, column, channel = padded.stride()
    shape = (6, 6, images.stop - images.start, band.stop - band.start, columns, padded.shape[3])
    start = images.start * image + 4 * band.start * row
    return padded.as_strided(shape, (row, column, image, 4 * row, 4 * column, channel), start)
