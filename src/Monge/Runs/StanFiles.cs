using System.Globalization;
using System.Text;
using Monge.Data;

namespace Monge.Runs;

/// <summary>
/// Chains as CmdStan writes them, a file of comma-separated text for each: what R's rstan (<c>read_stan_csv</c>), posterior and cmdstanr, and Python's ArviZ
/// (<c>from_cmdstan</c>) read. Source: CmdStan User's Guide, "Stan CSV file format" (format of version 2.32).
/// </summary>
public static class StanFiles
{
    /// <summary>Writes them as STEM_1.csv, STEM_2.csv and so on.</summary>
    /// <param name="folder">The folder, which exists.</param>
    /// <param name="stem">How the files' names begin.</param>
    /// <param name="draws">Draws of chains.</param>
    /// <returns>The files' paths.</returns>
    /// <exception cref="ArgumentException">The samples aren't those of chains.</exception>
    /// <exception cref="IOException">A file can't be written.</exception>
    public static IReadOnlyList<string> Write(string folder, string stem, SampleSet draws)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(stem);
        ArgumentNullException.ThrowIfNull(draws);
        var chains = draws.Chains
            ?? throw new ArgumentException($"The samples of {draws.Method} aren't draws of chains, which Stan's files hold; take nuts or pt.", nameof(draws));
        return [.. Enumerable.Range(0, chains.Chains).Select(c =>
        {
            var path = Path.Combine(folder, FormattableString.Invariant($"{stem}_{c + 1}.csv"));
            AtomicFile.Write(path, stream =>
            {
                using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
                Write(writer, draws, chains, c);
            });
            return path;
        })];
    }

    private static void Write(StreamWriter writer, SampleSet draws, ChainRecord chains, int chain)
    {
        var culture = CultureInfo.InvariantCulture;
        void Line(FormattableString line) => writer.WriteLine(line.ToString(culture));
        Line($"# stan_version_major = 2");
        Line($"# stan_version_minor = 32");
        Line($"# stan_version_patch = 2");
        Line($"# model = {Word(draws.Target)}");
        Line($"# written by Monge {draws.Version}: {draws.Sampler}");
        Line($"# method = sample (Default)");
        Line($"#   sample");
        Line($"#     num_samples = {chains.DrawsPerChain}");
        Line($"#     num_warmup = {chains.WarmUp}");
        Line($"#     save_warmup = 0 (Default)");
        Line($"#     thin = 1 (Default)");
        Line($"#     adapt");
        Line($"#       engaged = 1 (Default)");
        Line($"#     algorithm = hmc (Default)");
        Line($"#       hmc");
        Line($"#         engine = {(chains.Depths.Length > 0 ? "nuts (Default)" : "static")}");
        Line($"#         metric = diag_e (Default)");
        Line($"#         stepsize = {chains.StepSize:r}");
        Line($"# id = {chain + 1}");
        Line($"# random");
        Line($"#   seed = {draws.Seed}");
        var hasTrees = chains.Depths.Length > 0;
        string[] head =
        [
            "lp__", "accept_stat__", "stepsize__", .. hasTrees ? (string[])["treedepth__"] : [], "n_leapfrog__", "divergent__",
            .. hasTrees ? (string[])["energy__"] : [],
            .. Names(draws.Names),
        ];
        writer.WriteLine(string.Join(',', head));
        Line($"# Adaptation terminated");
        Line($"# Step size = {chains.StepSize:r}");
        var (d, text) = (draws.Dimension, new StringBuilder());
        for (var k = 0; k < chains.DrawsPerChain; k++)
        {
            var row = (chain * chains.DrawsPerChain) + k;
            text.Clear().Append(culture, $"{chains.LogDensities[row]:r},{chains.Acceptance[row]:r},{chains.StepSize:r},");
            text.Append(culture, $"{(hasTrees ? $"{chains.Depths[row]}," : "")}{chains.Leapfrogs[row]},{(chains.Divergent[row] ? 1 : 0)}");
            if (hasTrees)
            {
                text.Append(culture, $",{chains.Energies[row]:r}");
            }

            for (var j = 0; j < d; j++)
            {
                text.Append(culture, $",{draws.Positions[(row * d) + j]:r}");
            }

            writer.WriteLine(text.ToString());
        }

        Line($"# ");
        Line($"#  Elapsed Time: {draws.TrainSeconds:f3} seconds (Warm-up)");
        Line($"#                {draws.SampleSeconds:f3} seconds (Sampling)");
        Line($"#                {draws.TrainSeconds + draws.SampleSeconds:f3} seconds (Total)");
        Line($"# ");
    }

    // theta[1] is theta.1 there; indices count from 1, and other signs aren't read.
    private static IEnumerable<string> Names(IReadOnlyList<string> names) => DrawVariable.Of(names)
        .SelectMany(v => v.Columns.Select((column, k) => (Column: column, Name: Word(v.Name) + Indices(v.Shape, k))))
        .OrderBy(n => n.Column).Select(n => n.Name);

    private static string Indices(IReadOnlyList<int> shape, int at)
    {
        var text = "";
        for (var axis = shape.Count - 1; axis >= 0; axis--)
        {
            text = FormattableString.Invariant($".{(at % shape[axis]) + 1}{text}");
            at /= shape[axis];
        }

        return text;
    }

    private static string Word(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
}
