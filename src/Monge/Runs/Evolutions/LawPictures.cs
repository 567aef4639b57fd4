using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>
/// An evolution's law as pictures with a frame for each stored time: the curve of the density on the line, density and current in the plane, and the
/// marginals of pairs of coordinates above.
/// </summary>
internal sealed class LawPictures
{
    private const int MostFrames = 101;
    private const int CurvePoints = 241;
    private const int MostPairs = 3;
    private const int Arrows = 12;

    // A stationary density that is higher beside the law's own is cut.
    private const double TallestEnd = 2;

    // Sides of grids in the plane: over all times together about so many places are carried back.
    private const int FineSide = 61;
    private const int CoarseSide = 25;
    private const double MostPlaces = 45_000;

    // Heights of the density that are shaded, each half of the one above, from half of the highest at any time; of samples alone the lower ones are noise.
    private const int Shades = 7;
    private const int ShadesOfSamples = 5;

    // The longest arrow beside the distance of two, and the shortest one that is drawn.
    private const double LongestArrow = 2;
    private const double ShortestArrow = 0.08;

    // How far from the samples, in a kernel's widths, the density is computed: farther out the way back to time 0 may lead nowhere.
    private static readonly double[] s_reaches = [3, 1, 0.3];

    private readonly EvolutionResult _result;
    private readonly IReadOnlyList<EvolvedSamples> _stored;
    private readonly List<string> _failures = [];

    private LawPictures(EvolutionResult result) => (_result, _stored) = (result, Picture.Spread(result.Stored, MostFrames));

    private EvolutionProblem Problem => _result.Evolution.Problem;

    /// <summary>The pictures, each with a frame for each stored time, or for so many of them as a slider can tell apart.</summary>
    public static IReadOnlyList<Picture> Of(EvolutionResult result)
    {
        var pictures = new LawPictures(result);
        return result.Evolution.Problem.Dimension switch
        {
            1 => [pictures.Curve()],
            2 => [pictures.Plane()],
            _ => [.. pictures.Pairs()],
        };
    }

    private Picture Curve()
    {
        PointCloud[] clouds = [.. _stored.Select(Cloud)];
        var (low, high) = PointCloud.Range(0, clouds);
        var grid = Grid((low, high), CurvePoints);
        PictureFrame[] frames = [.. _stored.Zip(clouds, (at, cloud) => Frame(at, Curve(at, cloud, grid)))];
        PictureLayer[] end = Problem.Facts.Law is null && Problem.Facts.Stationary?.LogDensity is { } invariant
            ? [Exact(invariant, grid, "stationary density")]
            : [];
        var own = frames.SelectMany(f => f.Layers).Max(Top);
        var top = Math.Max(own, Math.Min(TallestEnd * own, end.Select(Top).FirstOrDefault()));
        return new Picture("law", "The law in time")
        {
            Caption = Caption("The learned density, over a histogram of the samples."),
            X = new PictureAxis("x[0]") { From = low, To = high },
            Y = new PictureAxis("probability density") { From = 0, To = top > 0 ? 1.05 * top : null },
            IsHeadline = true,
            IsStrip = true,
            Layers = end,
            Frames = frames,
        };
    }

    private IReadOnlyList<PictureLayer> Curve(EvolvedSamples at, PointCloud cloud, double[] grid)
    {
        var (least, most, deviation) = (at.Positions.Min(), at.Positions.Max(), _result.Points.First(p => p.Time == at.Time).Deviation[0]);
        var width = deviation * Math.Pow(cloud.Count, -0.2);
        var density = DensityNear(at.Time, grid, (k, reach) => grid[k] >= least - (reach * width) && grid[k] <= most + (reach * width))
            ?? DensityBetween(at, grid);
        var histogram = cloud.Marginal(0, grid[0], grid[^1]) with { IsFilled = true };
        return
        [
            .. density is null ? (PictureLayer[])[histogram] : [histogram with { Tone = PictureTone.Quiet }, new LineLayer(grid, density) { Name = "density" }],
            .. Problem.Facts.Law?.Invoke(at.Time).LogDensity is { } exact ? (PictureLayer[])[Exact(exact, grid, "exact density")] : [],
        ];
    }

    private Picture Plane()
    {
        PointCloud[] clouds = [.. _stored.Select(Cloud)];
        var side = (int)Math.Clamp(Math.Sqrt(MostPlaces / clouds.Length), CoarseSide, FineSide);
        double[] x = Grid(PointCloud.Range(0, clouds), side), y = Grid(PointCloud.Range(1, clouds), side);
        double[] places = [.. y.SelectMany(up => x.SelectMany(across => (double[])[across, up]))];
        double[] Density(EvolvedSamples at, PointCloud cloud)
        {
            var smooth = new SmoothedPlane(cloud, (0, 1), x, y);
            var density = DensityNear(at.Time, places, smooth.IsNear);
            return density is null ? smooth.Values : Array.ConvertAll(density, v => double.IsNaN(v) ? 0 : v);
        }

        var shaded = Shaded(x, y, [.. _stored.Zip(clouds, Density)], Shades);
        var currents = Scaled([.. _stored.Select(at => Current(at, x, y))], x, y);
        return Framed(
            new Picture("law", "The law in time")
            {
                Caption = Caption("Shades: the learned density, each from half of the height of the next. Arrows: its current; one scale for all times."),
            },
            (x, y), ("x[0]", "x[1]"), [.. shaded.Zip(currents, (density, current) => (PictureLayer[])[density, current])]);
    }

    private IEnumerable<Picture> Pairs()
    {
        var d = Problem.Dimension;
        PointCloud[] clouds = [.. _stored.Select(Cloud)];
        for (var k = 0; k < Math.Min(MostPairs, (d + 1) / 2); k++)
        {
            // Of an odd number of coordinates the last one stands beside the one before it.
            var (across, up) = (Math.Min(2 * k, d - 2), Math.Min(2 * k, d - 2) + 1);
            double[] x = Grid(PointCloud.Range(across, clouds), FineSide), y = Grid(PointCloud.Range(up, clouds), FineSide);
            var shaded = Shaded(x, y, [.. clouds.Select(c => new SmoothedPlane(c, (across, up), x, y).Values)], ShadesOfSamples);
            yield return Framed(
                new Picture(k == 0 ? "law" : $"law-{k + 1}", $"The law in time: x[{across}] and x[{up}]")
                {
                    Caption = Caption("Shades: the samples' smoothed density in two coordinates, each from half of the height of the next."),
                },
                (x, y), ($"x[{across}]", $"x[{up}]"), [.. shaded.Select(density => (PictureLayer[])[density])]);
        }
    }

    // The mean of the current over each cell: the sum of the velocities of the samples in it, over the number of all and the cell's area. They stand at the
    // cells' centres.
    private static ArrowsLayer Current(EvolvedSamples at, double[] x, double[] y)
    {
        var (before, after) = (at.VelocityBefore, at.VelocityAfter);
        double[] velocity = before.Length == 0 ? after : after.Length == 0 ? before : [.. before.Zip(after, (b, a) => 0.5 * (b + a))];
        var (cellX, cellY) = ((x[^1] - x[0]) / Arrows, (y[^1] - y[0]) / Arrows);
        var (across, up) = (new double[Arrows * Arrows], new double[Arrows * Arrows]);
        for (var i = 0; i < velocity.Length; i += 2)
        {
            var (column, row) = (Math.Floor((at.Positions[i] - x[0]) / cellX), Math.Floor((at.Positions[i + 1] - y[0]) / cellY));
            if (column >= 0 && column < Arrows && row >= 0 && row < Arrows)
            {
                var cell = ((int)row * Arrows) + (int)column;
                across[cell] += velocity[i] / (at.LogDensity.Length * cellX * cellY);
                up[cell] += velocity[i + 1] / (at.LogDensity.Length * cellX * cellY);
            }
        }

        int[] cells = [.. Enumerable.Range(0, Arrows * Arrows)];
        return new ArrowsLayer(
            [.. cells.Select(c => x[0] + (cellX * ((c % Arrows) + 0.5)))], [.. cells.Select(c => y[0] + (cellY * ((c / Arrows) + 0.5)))], across, up)
        {
            Name = "current",
            Tone = PictureTone.Ink,
        };
    }

    // One scale for all times, by which the longest arrow is as long as two cells; an arrow's middle is at the place that it tells of.
    private static IEnumerable<ArrowsLayer> Scaled(ArrowsLayer[] currents, double[] x, double[] y)
    {
        double Length(ArrowsLayer arrows, int i) => Arrows * double.Hypot(arrows.Across[i] / (x[^1] - x[0]), arrows.Up[i] / (y[^1] - y[0]));
        var longest = currents.Max(c => Enumerable.Range(0, c.X.Count).Max(i => Length(c, i)));
        var scale = longest > 0 && double.IsFinite(longest) ? LongestArrow / longest : 0;
        foreach (var current in currents)
        {
            int[] kept = [.. Enumerable.Range(0, current.X.Count).Where(i => scale * Length(current, i) > ShortestArrow)];
            yield return current with
            {
                X = [.. kept.Select(i => current.X[i] - (0.5 * scale * current.Across[i]))],
                Y = [.. kept.Select(i => current.Y[i] - (0.5 * scale * current.Up[i]))],
                Across = [.. kept.Select(i => scale * current.Across[i])],
                Up = [.. kept.Select(i => scale * current.Up[i])],
            };
        }
    }

    // The density at places near the samples, NaN elsewhere; null, with a word for the caption, where it can't be computed.
    private double[]? DensityNear(double time, double[] places, Func<int, double, bool> isNear)
    {
        var (d, failure) = (Problem.Dimension, "no place is near a sample");
        foreach (var reach in s_reaches)
        {
            int[] near = [.. Enumerable.Range(0, places.Length / d).Where(k => isNear(k, reach))];
            try
            {
                double[] at = [.. near.SelectMany(k => places[(k * d)..((k + 1) * d)])];
                var logs = near.Length > 0 ? _result.Evolution.LogDensityAt(at, time, _result.Run.Threads) : [double.NaN];
                if (logs.All(log => log < double.PositiveInfinity))
                {
                    var density = new double[places.Length / d];
                    Array.Fill(density, double.NaN);
                    foreach (var (place, log) in near.Zip(logs))
                    {
                        density[place] = Math.Exp(log);
                    }

                    return density;
                }
            }
            catch (ArithmeticException error)
            {
                failure = error.Message.TrimEnd('.');
            }
        }

        _failures.Add(FormattableString.Invariant($"At t = {time:g4} it is told by the samples alone, as it can't be computed elsewhere: {failure}."));
        return null;
    }

    // The densities that samples on the line carry, with straight lines of the logarithm between them, NaN beyond the last; null where one isn't finite.
    private static double[]? DensityBetween(EvolvedSamples at, double[] grid)
    {
        double[] x = [.. at.Positions], logs = [.. at.LogDensity];
        Array.Sort(x, logs);
        return !logs.All(double.IsFinite) ? null : Array.ConvertAll(grid, place =>
        {
            var k = Array.BinarySearch(x, place);
            var above = k < 0 ? ~k : k;
            return k >= 0 ? Math.Exp(logs[k])
                : above == 0 || above == x.Length ? double.NaN
                : Math.Exp(logs[above - 1] + ((place - x[above - 1]) / (x[above] - x[above - 1]) * (logs[above] - logs[above - 1])));
        });
    }

    private string Caption(string words)
    {
        var fewer = _stored.Count < _result.Stored.Count ? $" {_stored.Count} of the {_result.Stored.Count} times that are written." : "";
        return words + fewer + (_failures.Count == 0 ? "" : $" {_failures[0]}") + (_failures.Count > 1 ? $" So at {_failures.Count - 1} more times." : "");
    }

    private Picture Framed(Picture picture, (double[] X, double[] Y) grid, (string X, string Y) names, PictureLayer[][] layers)
    {
        var ratio = (grid.X[^1] - grid.X[0]) / (grid.Y[^1] - grid.Y[0]);
        return picture with
        {
            X = new PictureAxis(names.X) { From = grid.X[0], To = grid.X[^1] },
            Y = new PictureAxis(names.Y) { From = grid.Y[0], To = grid.Y[^1] },
            EqualAxes = ratio is > 0.4 and < 2.5,
            IsHeadline = true,
            IsStrip = true,
            Frames = [.. _stored.Zip(layers, Frame)],
        };
    }

    private LineLayer Exact(Func<Expr, Expr> logDensity, double[] grid, string name) =>
        new(grid, Array.ConvertAll(PointFunction.At(logDensity, grid, 1, new ExecutionOptions { Threads = _result.Run.Threads }), Math.Exp))
        {
            Name = name,
            Tone = PictureTone.Exact,
            IsDashed = true,
        };

    private static ContoursLayer[] Shaded(double[] x, double[] y, double[][] densities, int shades)
    {
        var top = densities.Max(values => values.Max());
        double[] levels = top > 0 ? [.. Enumerable.Range(1, shades).Select(k => top * Math.Pow(0.5, k))] : [];
        return [.. densities.Select(values => new ContoursLayer(x, y, values, levels) { Name = "density", IsFilled = true })];
    }

    private static PictureFrame Frame(EvolvedSamples at, IReadOnlyList<PictureLayer> layers) =>
        new(FormattableString.Invariant($"t = {at.Time:g4}"), layers);

    private static PointCloud Cloud(EvolvedSamples at) => new("samples", PictureTone.Ours, at.Positions, at.Positions.Length / at.LogDensity.Length);

    private static double Top(PictureLayer layer) => layer switch
    {
        LineLayer line => line.Y.Where(double.IsFinite).DefaultIfEmpty(0).Max(),
        StepsLayer steps => steps.Heights.Max(),
        _ => 0,
    };

    private static double[] Grid((double Low, double High) range, int places) =>
        [.. Enumerable.Range(0, places).Select(i => range.Low + (i * (range.High - range.Low) / (places - 1)))];
}
