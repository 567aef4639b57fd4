namespace Monge.Runs;

/// <summary>The pictures of an evolution: its samples with a slider over time, and its figures over time.</summary>
internal static class EvolutionPictures
{
    private const int MostPoints = 2000;
    private const int Bins = 60;

    public static RunPictures Describe(EvolutionResult result, string command, string? metrics)
    {
        var problem = result.Evolution.Problem;
        return new RunPictures($"{problem.Name} by {result.Method}", command)
        {
            Summary = [problem.Description],
            Warnings = [.. result.Warnings.Select(w => w.Message)],
            Figures = [new RunFigure("entropy at the end", result.Points[^1].Entropy.Value) { Error = result.Points[^1].Entropy.Error }],
            Pictures =
            [
                Laws(result),
                .. Figures(result),
                .. CoursePictures.Read(metrics),
            ],
        };
    }

    private static Picture Laws(EvolutionResult result)
    {
        var (d, stored) = (result.Evolution.Problem.Dimension, result.Stored);
        var isLine = d == 1;
        double[] Axis(int axis, EvolvedSamples at) =>
            [.. at.Positions.Where((_, i) => i % d == axis).Take(isLine ? int.MaxValue : MostPoints)];
        var (low, high) = (stored.Min(s => Axis(0, s).Min()), stored.Max(s => Axis(0, s).Max()));
        double[] edges = [.. Enumerable.Range(0, Bins + 1).Select(k => low + (k * (high - low) / Bins))];
        StepsLayer Histogram(double[] values)
        {
            var heights = new double[Bins];
            foreach (var value in values)
            {
                heights[Math.Min(Bins - 1, (int)((value - low) / (high - low) * Bins))] += Bins / (values.Length * (high - low));
            }

            return new StepsLayer(edges, heights) { IsFilled = true, Name = "density" };
        }

        return new Picture("law", "The law in time")
        {
            Caption = isLine ? "A histogram of the samples." : "Samples in the first two coordinates.",
            X = new PictureAxis("x[0]") { From = low, To = high },
            Y = new PictureAxis(isLine ? "density" : "x[1]")
            {
                From = isLine ? 0 : stored.Min(s => Axis(1, s).Min()),
                To = isLine ? null : stored.Max(s => Axis(1, s).Max()),
            },
            IsHeadline = true,
            Frames = [.. stored.Select(s => new PictureFrame(
                FormattableString.Invariant($"t = {s.Time:g4}"),
                [isLine ? Histogram(Axis(0, s)) : new PointsLayer(Axis(0, s), Axis(1, s)) { Name = "samples" }]))],
        };
    }

    private static IEnumerable<Picture> Figures(EvolutionResult result)
    {
        double[] times = [.. result.Points.Select(p => p.Time)];
        Picture Line(string name, string title, IEnumerable<double> values) => new(name, title)
        {
            X = new PictureAxis("t"),
            Y = new PictureAxis(title.ToLowerInvariant()),
            Layers = [new LineLayer(times, [.. values]) { Name = title.ToLowerInvariant() }],
        };
        yield return Line("entropy", "Entropy", result.Points.Select(p => p.Entropy.Value));
        if (result.Points[0].FreeEnergy is not null)
        {
            yield return Line("free-energy", "Free energy", result.Points.Select(p => p.FreeEnergy!.Value.Value));
        }

        if (result.Points[0].EntropyProduction is not null)
        {
            yield return Line("production", "Entropy production", result.Points.Select(p => p.EntropyProduction!.Value.Value));
        }
    }
}
