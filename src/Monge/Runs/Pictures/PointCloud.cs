namespace Monge.Runs;

/// <summary>Weighted points as pictures show them: thinned, as marginals, in pairs. All of it is deterministic.</summary>
/// <param name="Name">What the points are, for legends.</param>
/// <param name="Tone">What they stand for.</param>
/// <param name="Positions">Positions [n, d], row-major.</param>
/// <param name="Dimension">d.</param>
/// <param name="Weights">Weights [n] that sum to 1; null for equal ones.</param>
internal sealed record PointCloud(string Name, PictureTone Tone, double[] Positions, int Dimension, double[]? Weights = null)
{
    // A histogram of a few thousand points is smooth in about so many bins.
    private const int Bins = 60;
    private const double OuterShare = 0.004;
    private const double Padding = 0.12;

    /// <summary>Number of points n.</summary>
    public int Count => Positions.Length / Dimension;

    /// <summary>
    /// Two coordinates of at most so many points, drawn in proportion to the weights (systematic resampling with the offset one half): a point that is drawn
    /// several times is shown once, with that number as its weight.
    /// </summary>
    public PointsLayer Points(int across, int up, int most)
    {
        var (n, chosen, times) = (Count, new List<int>(), new List<double>());
        var count = Math.Min(most, n);
        var (sum, drawn) = (0.0, 0);
        for (var i = 0; i < n; i++)
        {
            sum += Weights is null ? 1.0 / n : Weights[i];
            var here = 0;
            while (drawn < count && (drawn + 0.5) / count <= sum)
            {
                (drawn, here) = (drawn + 1, here + 1);
            }

            if (here > 0)
            {
                chosen.Add(i);
                times.Add(here);
            }
        }

        return new PointsLayer([.. chosen.Select(i => Positions[(i * Dimension) + across])], [.. chosen.Select(i => Positions[(i * Dimension) + up])])
        {
            Name = Name,
            Tone = Tone,
            Weights = times.All(t => t == 1) ? null : times,
        };
    }

    /// <summary>The density of a coordinate as a histogram over a range.</summary>
    public StepsLayer Marginal(int coordinate, double low, double high, int bins = Bins)
    {
        var heights = new double[bins];
        var width = (high - low) / bins;
        for (var i = 0; i < Count; i++)
        {
            var cell = Math.Floor((Positions[(i * Dimension) + coordinate] - low) / width);
            if (cell >= 0 && cell < bins)
            {
                heights[(int)cell] += (Weights is null ? 1.0 / Count : Weights[i]) / width;
            }
        }

        return new StepsLayer([.. Enumerable.Range(0, bins + 1).Select(k => low + (k * width))], heights)
        {
            Name = Name,
            Tone = Tone,
            IsFilled = Tone == PictureTone.Ours,
        };
    }

    /// <summary>The range of a coordinate that holds nearly all of the weight of all clouds, with a margin.</summary>
    public static (double Low, double High) Range(int coordinate, params IReadOnlyList<PointCloud> clouds)
    {
        var (low, high) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (var cloud in clouds)
        {
            double[] values = [.. Enumerable.Range(0, cloud.Count).Select(i => cloud.Positions[(i * cloud.Dimension) + coordinate])];
            double[] weights = cloud.Weights is null ? [.. Enumerable.Repeat(1.0 / values.Length, values.Length)] : [.. cloud.Weights];
            Array.Sort(values, weights);
            var (sum, total) = (0.0, weights.Sum());
            for (var i = 0; i < values.Length; i++)
            {
                var before = sum;
                sum += weights[i];
                if (double.IsFinite(values[i]) && sum >= OuterShare * total && before <= (1 - OuterShare) * total)
                {
                    (low, high) = (Math.Min(low, values[i]), Math.Max(high, values[i]));
                }
            }
        }

        if (low > high)
        {
            return (-1, 1);
        }

        var margin = high > low ? Padding * (high - low) : Math.Max(1e-3, Math.Abs(low) * 0.1);
        return (low - margin, high + margin);
    }

    /// <summary>A grid of pictures: marginals on the diagonal, pairs of coordinates below it.</summary>
    /// <param name="picture">Name, title and caption of the whole.</param>
    /// <param name="names">Names of the coordinates.</param>
    /// <param name="coordinates">Those to show.</param>
    /// <param name="most">Most points of a cloud in a panel.</param>
    /// <param name="clouds">The points, the first at the bottom.</param>
    public static Picture Pairs(Picture picture, IReadOnlyList<string> names, IReadOnlyList<int> coordinates, int most, params IReadOnlyList<PointCloud> clouds)
    {
        var panels = new List<Picture>();
        var ranges = coordinates.Select(j => Range(j, clouds)).ToArray();
        for (var row = 0; row < coordinates.Count; row++)
        {
            for (var column = 0; column < coordinates.Count; column++)
            {
                var (i, j) = (coordinates[row], coordinates[column]);
                var (low, high) = ranges[column];
                panels.Add(new Picture($"{names[i]}, {names[j]}", "")
                {
                    X = new PictureAxis(row == coordinates.Count - 1 ? names[j] : "") { From = low, To = high },
                    Y = row == column ? new PictureAxis(row == 0 ? "density" : "") { From = 0 }
                        : new PictureAxis(column == 0 ? names[i] : "") { From = ranges[row].Low, To = ranges[row].High },
                    Layers = row < column ? []
                        : row == column ? [.. clouds.Select(c => c.Marginal(i, low, high))]
                        : [.. clouds.Select(c => c.Points(j, i, most))],
                });
            }
        }

        return picture with { Panels = panels, Columns = coordinates.Count, IsMatrix = true };
    }

    /// <summary>A grid of the marginals of coordinates.</summary>
    /// <param name="picture">Name, title and caption of the whole.</param>
    /// <param name="names">Names of the coordinates.</param>
    /// <param name="most">Most coordinates.</param>
    /// <param name="clouds">The points, the first at the bottom.</param>
    public static Picture Marginals(Picture picture, IReadOnlyList<string> names, int most, params IReadOnlyList<PointCloud> clouds) => picture with
    {
        Columns = Math.Min(names.Count, 4),
        Panels = [.. Enumerable.Range(0, Math.Min(names.Count, most)).Select(j =>
        {
            var (low, high) = Range(j, clouds);
            return new Picture(names[j], "")
            {
                X = new PictureAxis(names[j]) { From = low, To = high },
                Y = new PictureAxis("density") { From = 0 },
                Layers = [.. clouds.Select(c => c.Marginal(j, low, high))],
            };
        })],
    };

    /// <summary>A picture of two coordinates with axes of its ranges, equal where the ranges are alike.</summary>
    public static Picture Plane(Picture picture, IReadOnlyList<string> names, int most, params IReadOnlyList<PointCloud> clouds)
    {
        var (x, y) = (Range(0, clouds), Range(1, clouds));
        var ratio = (x.High - x.Low) / (y.High - y.Low);
        return picture with
        {
            X = new PictureAxis(names[0]) { From = x.Low, To = x.High },
            Y = new PictureAxis(names[1]) { From = y.Low, To = y.High },
            EqualAxes = ratio is > 0.4 and < 2.5,
            Layers = [.. clouds.Select(c => c.Points(0, 1, most)), .. picture.Layers],
        };
    }
}
