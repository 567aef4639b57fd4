using Monge.Engine.Random;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Tests.Runs.Pictures;

public sealed class PointCloudTests
{
    [Fact]
    public void Thinned_points_stand_for_the_weights()
    {
        double[] weights = [0.5, 0.25, 0, 0.25];
        var cloud = new PointCloud("x", PictureTone.Ours, [0, 0, 1, 10, 2, 20, 3, 30], 2, weights);
        var points = cloud.Points(0, 1, 4);
        Assert.Equal([0, 1, 3], points.X);
        Assert.Equal([0, 10, 30], points.Y);
        Assert.Equal([2, 1, 1], points.Weights!);

        var random = new RandomStream(3);
        double[] many = [.. Enumerable.Range(0, 10_000).Select(_ => random.NextNormal())];
        var thinned = new PointCloud("x", PictureTone.Ours, many, 1).Points(0, 0, 500);
        Assert.Equal(500, thinned.X.Count);
        Assert.Null(thinned.Weights);
    }

    [Fact]
    public void Marginal_is_a_density_over_a_range_that_holds_nearly_all()
    {
        var random = new RandomStream(5);
        double[] values = [.. Enumerable.Range(0, 20_000).Select(_ => 3 + (2 * random.NextNormal()))];
        double[] raw = [.. values.Select(v => v > 3 ? 2.0 : 1)];
        var sum = raw.Sum();
        var cloud = new PointCloud("x", PictureTone.Ours, values, 1, [.. raw.Select(w => w / sum)]);
        var (low, high) = PointCloud.Range(0, cloud);
        Assert.InRange(low, -4.5, -1);
        Assert.InRange(high, 8, 11);
        var steps = cloud.Marginal(0, low, high);
        var width = (high - low) / steps.Heights.Count;
        Assert.InRange(steps.Heights.Sum() * width, 0.99, 1 + 1e-9);
        Assert.Equal(2 / 3.0, steps.Heights.Where((_, k) => 0.5 * (steps.Edges[k] + steps.Edges[k + 1]) > 3).Sum() * width, 3e-2);
    }

    [Fact]
    public void Ranges_of_what_is_constant_or_not_finite_can_be_drawn()
    {
        Assert.Equal((-1, 1), PointCloud.Range(0, new PointCloud("x", PictureTone.Ours, [double.NaN, double.NaN], 1)));
        var (low, high) = PointCloud.Range(0, new PointCloud("x", PictureTone.Ours, [2, 2, 2], 1));
        Assert.True(low < 2 && high > 2);
    }

    // A standard normal law in the plane holds the share 1 - h above the height h of its density over its top.
    [Fact]
    public void Contours_hold_their_shares_of_the_mass()
    {
        var normal = Density.Create("normal", 2, x => -0.5 * x.Square().Sum());
        var contours = DensityContours.Plane(normal, (-5, 5), (-5, 5))!;
        Assert.Equal(5, contours.Levels.Count);
        foreach (var (level, share) in contours.Levels.Zip([0.95, 0.8, 0.6, 0.4, 0.2]))
        {
            Assert.Equal(1 - share, level, 2e-2);
        }
    }

    [Fact]
    public void Line_of_a_density_integrates_to_one_with_and_without_a_known_normaliser()
    {
        foreach (var facts in (TargetFacts[])[TargetFacts.None, new TargetFacts { LogZ = 0.5 * Math.Log(2 * Math.PI) }])
        {
            var line = DensityContours.Line(Density.Create("normal", 1, x => -0.5 * x[0].Square(), new DensityOptions { Facts = facts }), (-6, 6));
            Assert.Equal(1, line.Y.Sum() * (line.X[1] - line.X[0]), 1e-6);
        }
    }

    [Fact]
    public void Course_is_read_by_the_names_of_its_columns()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "step,seconds,loss,free_energy,validation_ess\n1,0.1,100,,\n2,0.2,1,2.5,0.25\n3,0.3,nan,2.25,0.5\n4,0.4,0.5,x,0.75\n");
            var pictures = CoursePictures.Read(path);
            Assert.Equal(["loss", "free_energy", "validation_ess"], pictures.Select(p => p.Name));
            Assert.True(pictures[0].Y.IsLogarithmic);
            Assert.Equal([1, 2, 4], Assert.IsType<LineLayer>(pictures[0].Layers[0]).X);
            Assert.Equal([2.5, 2.25], Assert.IsType<LineLayer>(pictures[1].Layers[0]).Y);
            Assert.Equal("Validation ESS over training", pictures[2].Title);
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Empty(CoursePictures.Read(path));
        Assert.Empty(CoursePictures.Read(null));
    }
}
