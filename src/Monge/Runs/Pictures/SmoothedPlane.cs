namespace Monge.Runs;

/// <summary>Two coordinates of samples as a density on a grid: a histogram, smoothed by a Gaussian along each axis.</summary>
internal sealed class SmoothedPlane
{
    // A kernel's reach in its deviations, and its width beside n^(-1/6) deviations of the samples, which is best for a Gaussian and too wide for several modes.
    private const double Reach = 4;
    private const double Narrower = 0.75;

    // Its most width in places of the grid, whatever a wild sample does to the deviation.
    private const double Widest = 8;

    private readonly double _isolated;

    /// <summary>Smooths samples.</summary>
    /// <param name="cloud">The samples, of equal weights.</param>
    /// <param name="coordinates">The coordinates across and up.</param>
    /// <param name="x">Abscissae [m] of the grid, equally spaced.</param>
    /// <param name="y">Ordinates [n] of the grid, equally spaced.</param>
    public SmoothedPlane(PointCloud cloud, (int Across, int Up) coordinates, double[] x, double[] y)
    {
        var (m, n, d, count) = (x.Length, y.Length, cloud.Dimension, cloud.Count);
        var (stepX, stepY) = (x[1] - x[0], y[1] - y[0]);
        var (values, sum, square) = (new double[m * n], (X: 0.0, Y: 0.0), (X: 0.0, Y: 0.0));
        for (var i = 0; i < count; i++)
        {
            var (a, b) = (cloud.Positions[(i * d) + coordinates.Across], cloud.Positions[(i * d) + coordinates.Up]);
            (sum, square) = ((sum.X + a, sum.Y + b), (square.X + (a * a), square.Y + (b * b)));
            var (column, row) = (Math.Round((a - x[0]) / stepX), Math.Round((b - y[0]) / stepY));
            if (column >= 0 && column < m && row >= 0 && row < n)
            {
                values[((int)row * m) + (int)column] += 1 / (count * stepX * stepY);
            }
        }

        var (across, up) = (Kernel(sum.X / count, square.X / count, stepX, count), Kernel(sum.Y / count, square.Y / count, stepY, count));
        Values = Smooth(Smooth(values, across, m, 1), up, n, m);
        _isolated = across.Max() * up.Max() / (count * stepX * stepY);
    }

    /// <summary>The density [n, m], row by row from the first ordinate.</summary>
    public double[] Values { get; }

    /// <summary>Whether there is a sample within so many widths of the kernel from a place of the grid, by its number.</summary>
    public bool IsNear(int place, double widths) => Values[place] >= _isolated * Math.Exp(-0.5 * widths * widths);

    private static double[] Kernel(double mean, double square, double step, int count)
    {
        var width = Math.Min(Widest, Narrower * Math.Sqrt(Math.Max(0, square - (mean * mean))) * Math.Pow(count, -1.0 / 6) / step);
        var reach = (int)Math.Ceiling(Reach * width);
        double[] kernel = [.. Enumerable.Range(-reach, (2 * reach) + 1).Select(k => k == 0 ? 1 : Math.Exp(-0.5 * k * k / (width * width)))];
        var sum = kernel.Sum();
        return Array.ConvertAll(kernel, k => k / sum);
    }

    // Along lines of so many places that lie a stride apart; what would pass the border is lost.
    private static double[] Smooth(double[] values, double[] kernel, int places, int stride)
    {
        var (smooth, reach) = (new double[values.Length], kernel.Length / 2);
        for (var at = 0; at < values.Length; at++)
        {
            var place = at / stride % places;
            for (var k = Math.Max(-reach, -place); values[at] > 0 && k <= Math.Min(reach, places - 1 - place); k++)
            {
                smooth[at + (k * stride)] += values[at] * kernel[k + reach];
            }
        }

        return smooth;
    }
}
