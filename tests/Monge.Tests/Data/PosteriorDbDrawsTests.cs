using System.IO.Compression;
using System.Text;
using Monge.Data;

namespace Monge.Tests.Data;

public sealed class PosteriorDbDrawsTests
{
    private const string TwoChains = "[{\"mu\": [1, 2.5, -3e-1], \"theta[1]\": [4, 5, 6]}, {\"theta[1]\": [10, 11, 12], \"mu\": [7, 8, 9]}]";

    private static byte[] Zip(params (string Name, string Content)[] entries)
    {
        using var buffer = new MemoryStream();
        using (var archive = new ZipArchive(buffer, ZipArchiveMode.Create))
        {
            foreach ((string name, string content) in entries)
            {
                using Stream stream = archive.CreateEntry(name).Open();
                stream.Write(Encoding.UTF8.GetBytes(content));
            }
        }
        return buffer.ToArray();
    }

    [Fact]
    public void ChainsAreStackedWhateverTheOrderOfTheirParameters()
    {
        using var scratch = new Scratch();
        foreach (string path in new[] { scratch.With("d.json", TwoChains), scratch.With("d.json.zip", Zip(("README.md", "no"), ("d.json", TwoChains))) })
        {
            PosteriorDbDraws draws = PosteriorDbDraws.Read(path);
            Assert.Equal(["mu", "theta[1]"], draws.Names);
            Assert.Equal((2, 3), (draws.Chains, draws.DrawsPerChain));
            Assert.Equal([1, 4, 2.5, 5, -0.3, 6, 7, 10, 8, 11, 9, 12], draws.Values);
            Assert.Equal([7.0, 8.0, 9.0], draws.Parameter("mu")[1]);
        }
    }

    [Theory]
    [InlineData("{}", "list of chains")]
    [InlineData("[]", "list of chains")]
    [InlineData("[1]", "chain 1 is not an object")]
    [InlineData("[{}]", "chain 1 has no parameters")]
    [InlineData("[{\"a\":[1,2]},{\"a\":[1]}]", "chain 2, parameter 'a' has 1 draws")]
    [InlineData("[{\"a\":[1,\"x\"]}]", "parameter 'a', draw 2")]
    [InlineData("[{\"a\":[1e999]}]", "draw 1 is not a finite number")]
    [InlineData("[{\"a\":[1]},{\"b\":[1]}]", "'b' that chain 1 lacks")]
    [InlineData("[{\"a\":[1],\"b\":[1]},{\"b\":[1]}]", "chain 2 lacks the parameter 'a'")]
    [InlineData("[{\"a\":[1],\"a\":[1]}]", "'a' twice")]
    [InlineData("[\n{\"a\":[1,]}]", "line 2, byte")]
    public void ErrorsNameChainAndParameter(string content, string expected)
    {
        using var scratch = new Scratch();
        string path = scratch.With("d.json", content);
        DataFormatException error = Assert.Throws<DataFormatException>(() => PosteriorDbDraws.Read(path));
        Assert.Contains(expected, error.Message);
        Assert.StartsWith(path, error.Message);
    }

    [Fact]
    public void ArchivesWithoutOrWithTwoDrawsAndTruncatedOnesAreRefused()
    {
        using var scratch = new Scratch();
        Assert.Contains("no .json", Assert.Throws<DataFormatException>(() => PosteriorDbDraws.Read(scratch.With("a.zip", Zip(("a.txt", ""))))).Message);
        Assert.Contains("more than one",
            Assert.Throws<DataFormatException>(() => PosteriorDbDraws.Read(scratch.With("b.zip", Zip(("a.json", TwoChains), ("b.json", TwoChains))))).Message);
        byte[] whole = Zip(("d.json", TwoChains));
        for (int length = 0; length < whole.Length; length++)
            Assert.Throws<DataFormatException>(() => PosteriorDbDraws.Read(scratch.With("t.zip", whole[..length])));
        for (int length = 0; length < TwoChains.Length; length++)
            Assert.Throws<DataFormatException>(() => PosteriorDbDraws.Read(scratch.With("t.json", TwoChains[..length])));
    }
}
