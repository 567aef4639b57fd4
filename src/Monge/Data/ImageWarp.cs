using Monge.Engine.Random;

namespace Monge.Data;

/// <summary>
/// Square grey images moved smoothly: value at pixel (row, column) is that of the image at a displaced place, by bilinear interpolation, with 0 outside. Pixel
/// centres have whole coordinates from 0 to side - 1.
/// </summary>
public static class ImageWarp
{
    /// <summary>Rotates an image about its centre.</summary>
    /// <param name="image">Pixels [side, side], row-major.</param>
    /// <param name="side">Pixels on a side.</param>
    /// <param name="degrees">The angle in degrees, counted from columns towards rows.</param>
    /// <exception cref="ArgumentException">The image isn't square with that side.</exception>
    public static double[] Rotate(ReadOnlySpan<double> image, int side, double degrees)
    {
        var (sine, cosine) = Math.SinCos(Math.PI * degrees / 180);
        var (centre, field) = ((side - 1) / 2.0, new double[2 * side * side]);
        for (var k = 0; k < side * side; k++)
        {
            // The place that comes to rest at this pixel is the pixel turned back.
            var (row, column) = ((k / side) - centre, (k % side) - centre);
            field[2 * k] = (cosine * row) - (sine * column) - row;
            field[(2 * k) + 1] = (sine * row) + (cosine * column) - column;
        }

        return Deform(image, side, field);
    }

    /// <summary>Moves an image by a field of displacements.</summary>
    /// <param name="image">Pixels [side, side], row-major.</param>
    /// <param name="side">Pixels on a side.</param>
    /// <param name="field">Displacements in rows and columns, in pixels, [side, side, 2].</param>
    /// <exception cref="ArgumentException">The image or the field isn't of that side.</exception>
    public static double[] Deform(ReadOnlySpan<double> image, int side, ReadOnlySpan<double> field)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        if (image.Length != side * side || field.Length != 2 * side * side)
        {
            throw new ArgumentException(
                $"An image of {image.Length} pixels and a field of {field.Length} numbers aren't of {side} x {side} pixels with two numbers each.",
                nameof(image));
        }

        var moved = new double[image.Length];
        for (var k = 0; k < moved.Length; k++)
        {
            moved[k] = At(image, side, (k / side) + field[2 * k], (k % side) + field[(2 * k) + 1]);
        }

        return moved;
    }

    /// <summary>
    /// A random smooth field of most entropy for its size, each component sum_ij C_ij sin(i pi u) sin(j pi v) with C_ij from N(0, T / (i^2 + j^2)), i, j from 1
    /// and i^2 + j^2 up to the square of a cut, u and v from 0 to 1 across the image, at whose border it vanishes (L. Petrini, A. Favero, M. Geiger, M. Wyart,
    /// "Relative stability toward diffeomorphisms", arXiv:2105.02468, eq. 4). T makes the mean square over the image that of the asked displacement.
    /// </summary>
    /// <param name="side">Pixels on a side.</param>
    /// <param name="cut">The cut, at least 2: more bends a field more finely.</param>
    /// <param name="displacement">The root of the mean square displacement, in pixels, at least 0.</param>
    /// <param name="random">The random numbers.</param>
    /// <returns>The field [side, side, 2], in pixels.</returns>
    public static double[] SmoothField(int side, int cut, double displacement, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(cut, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(displacement);
        (int I, int J)[] modes = [.. from i in Enumerable.Range(1, cut) from j in Enumerable.Range(1, cut) where (i * i) + (j * j) <= cut * cut select (i, j)];
        // Two components, whose mean square is T / 4 times the sum over modes of 1 / (i^2 + j^2).
        var temperature = 2 * displacement * displacement / modes.Sum(m => 1.0 / ((m.I * m.I) + (m.J * m.J)));
        var field = new double[2 * side * side];
        for (var component = 0; component < 2; component++)
        {
            foreach (var (i, j) in modes)
            {
                var size = random.NextNormal() * Math.Sqrt(temperature / ((i * i) + (j * j)));
                for (var k = 0; k < side * side; k++)
                {
                    field[(2 * k) + component] += size * Math.Sin(i * Math.PI * ((k / side) + 0.5) / side) * Math.Sin(j * Math.PI * ((k % side) + 0.5) / side);
                }
            }
        }

        return field;
    }

    private static double At(ReadOnlySpan<double> image, int side, double row, double column)
    {
        var (top, left) = ((int)Math.Floor(row), (int)Math.Floor(column));
        var (down, right) = (row - top, column - left);
        return ((1 - down) * (((1 - right) * Pixel(image, side, top, left)) + (right * Pixel(image, side, top, left + 1))))
            + (down * (((1 - right) * Pixel(image, side, top + 1, left)) + (right * Pixel(image, side, top + 1, left + 1))));
    }

    private static double Pixel(ReadOnlySpan<double> image, int side, int row, int column) =>
        row >= 0 && row < side && column >= 0 && column < side ? image[(row * side) + column] : 0;
}
