using System.Globalization;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Tests.Data;

namespace Monge.Tests.Runs;

/// <summary>Chains as CmdStan writes them.</summary>
public sealed class StanFilesTests
{
    [Theory]
    [InlineData("nuts")]
    [InlineData("pt")]
    public void Each_chain_is_a_file_with_all_its_draws(string method)
    {
        var target = TargetLibrary.Get("eight-schools");
        ISamplingMethod sampler = method == "nuts" ? new NutsSampler(target, new NutsOptions { Chains = 3, WarmUp = 60, Draws = 20 })
            : new PtSampler(target, new PtOptions { Chains = 3, WarmUp = 60, Draws = 20 });
        var draws = sampler.Sample(2, new Run { Seed = 11 });
        using var scratch = new Scratch();
        var files = StanFiles.Write(scratch.Directory, "draws", draws);
        Assert.Equal(["draws_1.csv", "draws_2.csv", "draws_3.csv"], files.Select(f => Path.GetFileName(f)));
        for (var c = 0; c < 3; c++)
        {
            var lines = File.ReadAllLines(files[c]);
            Assert.Contains($"# id = {c + 1}", lines);
            Assert.Contains("#     num_samples = 20", lines);
            string[][] rows = [.. lines.Where(l => !l.StartsWith('#')).Select(l => l.Split(','))];
            Assert.Equal(21, rows.Length);
            Assert.Equal("lp__", rows[0][0]);
            Assert.Equal(
                ["theta.1", "theta.2", "theta.3", "theta.4", "theta.5", "theta.6", "theta.7", "theta.8", "mu", "tau"], rows[0][^10..]);
            Assert.Equal(method == "nuts", rows[0].Contains("treedepth__"));
            for (var k = 0; k < 20; k++)
            {
                double[] values = [.. rows[k + 1].Select(v => double.Parse(v, CultureInfo.InvariantCulture))];
                var row = (c * 20) + k;
                Assert.Equal(rows[0].Length, values.Length);
                Assert.Equal(draws.Chains!.LogDensities[row], values[0]);
                Assert.Equal(draws.Positions[(row * 10)..((row + 1) * 10)], values[^10..]);
            }
        }
    }

    [Fact]
    public void Samples_of_no_chains_are_refused()
    {
        using var scratch = new Scratch();
        var draws = new SmcSampler(TargetLibrary.Get("gmm9")).Sample(64, new Run { Seed = 11 });
        var error = Assert.Throws<ArgumentException>(() => StanFiles.Write(scratch.Directory, "draws", draws));
        Assert.Contains("aren't draws of chains", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(scratch.Directory));
    }
}
