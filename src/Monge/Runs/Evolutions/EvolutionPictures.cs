namespace Monge.Runs;

/// <summary>The pictures of an evolution: its law with a slider over time, and its figures over time.</summary>
internal static class EvolutionPictures
{
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
                .. result.Laws,
                .. Figures(result),
                .. CoursePictures.Read(metrics),
            ],
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
